"""The local stack's language model, called over HTTP by the client library it stands in for."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import openai
import pytest

from local.chat_completions import MAX_CHARACTERS, chat_completions
from local.extractive_summary import LANGUAGES, summarize
from local.text_sentences import cut_sentences
from local.text_tokens import count_tokens

ARTICLE = """\
Honey bees and the cost of winter
Honey bees do not hibernate. When the weather turns cold, a colony of honey bees gathers into a tight cluster around \
its queen. The bees in the centre shiver their flight muscles to produce heat, while those outside form a mantle.
Food
The cluster lives on honey stored during the summer. A colony needs between 15 and 30 kg of honey to survive until \
spring. Beekeepers therefore weigh their hives in autumn and feed sugar syrup to colonies that are too light.
Mites
The parasitic mite Varroa destructor is the main reason why colonies die in winter. Bees that were infested as larvae \
live shorter lives, and a colony needs long-lived winter bees to keep the cluster warm until spring. Treating colonies \
against mites in late summer, before the winter bees are raised, reduces winter losses more than anything else.
Dr. Anna Weber studied 1,200 colonies over six winters. "The timing matters more than the product," she said.
Subscribe now!
"""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's name)
        """Quiet."""


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    application = chat_completions(now=lambda: 1_800_000_000.9, new_id=lambda: "1")
    with make_server("127.0.0.1", 0, application, _Server, _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def client(base_url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=base_url, api_key="any", max_retries=0, default_headers={"Connection": "close"}
    ) as made:
        yield made


def ask(client: openai.OpenAI, text: str, **parameters: Any) -> Any:
    messages: Any = [{"role": "system", "content": "Summarise."}, {"role": "user", "content": text}]
    return client.chat.completions.create(model="gpt-3.5-turbo", messages=messages, **parameters)


def test_the_answer_is_a_chat_completion_of_the_model_extractive(client: openai.OpenAI) -> None:
    completion = ask(client, ARTICLE, temperature=0.7)
    assert (completion.id, completion.object, completion.created) == ("chatcmpl-1", "chat.completion", 1_800_000_000)
    assert completion.model == "extractive"
    [choice] = completion.choices
    assert (choice.index, choice.finish_reason, choice.message.role) == (0, "stop", "assistant")
    assert completion.usage.prompt_tokens == count_tokens("Summarise.") + count_tokens(ARTICLE)
    assert completion.usage.completion_tokens == count_tokens(choice.message.content)
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("tokens", [1, 20, 40, 80, 1000])
def test_the_summary_is_whole_sentences_of_the_text_in_its_order_within_the_limit(
    client: openai.OpenAI, limit: str, tokens: int
) -> None:
    summary = ask(client, ARTICLE, **{limit: tokens}).choices[0].message.content
    sentences = cut_sentences(summary)
    assert sentences
    assert len(sentences) == 1 or count_tokens(summary) <= tokens
    assert len(sentences) <= 4, "at most a third of the text's eleven"
    places = [ARTICLE.find(sentence) for sentence in sentences]
    assert -1 not in places
    assert places == sorted(places)


def test_the_summary_is_what_the_text_is_about(client: openai.OpenAI) -> None:
    summary = ask(client, ARTICLE, max_tokens=60).choices[0].message.content
    assert "Treating colonies against mites in late summer" in summary
    assert "Subscribe" not in summary


def test_the_text_may_come_in_parts_and_the_last_user_message_counts(client: openai.OpenAI) -> None:
    messages: Any = [
        {"role": "user", "content": "Cats sleep. Cats eat."},
        {"role": "assistant", "content": "Cats sleep."},
        {"role": "user", "content": [{"type": "text", "text": "Dogs bark."}, {"type": "text", "text": "Dogs run."}]},
    ]
    completion = client.chat.completions.create(model="extractive", messages=messages)
    assert completion.choices[0].message.content in {"Dogs bark.", "Dogs run."}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": [{"role": "user", "content": "x"}]}, "model"),
        ({"model": "m", "messages": []}, "messages"),
        ({"model": "m", "messages": [{"content": "x"}]}, "messages.0.role"),
        ({"model": "m", "messages": [{"role": "system", "content": "x"}]}, "messages"),
        ({"model": "m", "messages": [{"role": "user", "content": " "}]}, "messages"),
        ({"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": 0}, "max_tokens"),
        ({"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}, "stream"),
        ({"model": "m", "messages": [{"role": "user", "content": "x"}], "n": 2}, "n"),
        ([], None),
        ("{", None),
    ],
)
def test_a_bad_request_is_refused_with_its_place(client: openai.OpenAI, body: Any, param: str | None) -> None:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/chat/completions", cast_to=object, content=content)
    assert (caught.value.param, caught.value.type) == (param, "invalid_request_error")


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer  ", "Basic abc"])
def test_without_a_key_nothing_is_answered(base_url: str, authorization: str | None) -> None:
    request = urllib.request.Request(f"{base_url}/chat/completions", b"{}", method="POST")
    if authorization is not None:
        request.add_header("Authorization", authorization)
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(request):
        pass
    with caught.value as answer:
        assert answer.code == 401
        assert json.load(answer)["error"]["code"] == "invalid_api_key"


def test_there_is_nothing_else(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.models.list()
    with pytest.raises(openai.APIStatusError) as caught:
        client.get("/chat/completions", cast_to=object)
    assert caught.value.status_code == 405


def test_a_text_beyond_the_window_is_refused_as_openai_does(client: openai.OpenAI) -> None:
    for length in (MAX_CHARACTERS + 1, 8 * MAX_CHARACTERS):
        with pytest.raises(openai.BadRequestError) as caught:
            ask(client, "x" * length)
        assert caught.value.code == "context_length_exceeded"


def test_several_are_answered_at_once_as_if_alone(client: openai.OpenAI) -> None:
    texts = [ARTICLE, ARTICLE.replace("bee", "wasp"), ARTICLE.replace("colon", "swarm")] * 4
    with ThreadPoolExecutor(6) as threads:
        summaries = list(threads.map(lambda text: ask(client, text).choices[0].message.content, texts))
    assert summaries == [summarize(text) for text in texts]


def test_a_long_text_is_summarised_by_the_best_of_its_parts() -> None:
    text = "\n".join(f"Fact {number} says that item {number} costs {number} euros." for number in range(3000))
    summary = summarize(f"{text}\n{ARTICLE}", 100)
    assert count_tokens(summary) <= 100
    assert all(sentence in text or sentence in ARTICLE for sentence in cut_sentences(summary))


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Dr. Weber of the U.S. Army paid 3.5 million. Why? No idea.", 3),
        ("今天天气很好。我们去公园吧！“好的。”他说。", 4),
        ("यह एक वाक्य है। यह दूसरा है।", 2),
        ("هل هذا سؤال؟ نعم، هذا جواب.", 2),
        ("A heading\nThis is a sentence.\na label", 1),
        ("milk\nbread\neggs", 3),
        ("", 0),
    ],
)
def test_sentences_end_as_their_script_ends_them(text: str, sentences: int) -> None:
    assert len(cut_sentences(text)) == sentences


@pytest.mark.parametrize("text", ["", " \n", "!", "one", "今天天气很好。我们去公园吧！", "Раз. Два. Три."])
def test_every_text_has_a_summary_unless_it_is_empty(text: str) -> None:
    assert bool(summarize(text)) == bool(text.strip())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_that_is_known_has_its_words(language: str) -> None:
    from sumy.nlp.stemmers import Stemmer  # noqa: PLC0415
    from sumy.utils import get_stop_words  # noqa: PLC0415

    assert len(get_stop_words(language)) > 50
    assert Stemmer(language)("abc") == "abc"
