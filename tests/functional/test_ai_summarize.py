"""The worker against an endpoint that answers as each test says."""

import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any
from uuid import UUID

import pytest

from run_ai_task.api_key import CALLERS, DEPLOYMENTS, ApiKey, ApiKeys, NoApiKey
from run_ai_task.chat_model import ChatModel
from run_ai_task.summarize import INSTRUCTION, Summarizer
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError, TaskError
from stepcall.domain.task_contract import TaskContext
from stepcall.tasks.ai import SummarizeInput, SummarizeOutput, SummarizeUsage
from tests.functional.web_server import Answer, WebServer, answer, send_raw

PATH = "/v1/chat/completions"
TEXT = "Bees live in colonies. They make honey. They keep warm in winter."
USAGE = {"prompt_tokens": 21, "completion_tokens": 4, "total_tokens": 25, "prompt_tokens_details": {"cached_tokens": 0}}


class Keys:
    """Hands out its keys in turn: the next when the endpoint has refused the one before."""

    to_mend = DEPLOYMENTS

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)

    def current(self) -> str:
        return self.keys[0]

    def after(self, rejected: str) -> str | None:
        assert rejected == self.keys.pop(0)
        return self.keys[0] if self.keys else None


class Endpoint:
    """A chat completions endpoint; `answers` come in turn, the last for ever."""

    def __init__(self, server: WebServer) -> None:
        self.server = server
        self.answers: list[Answer] = []
        server.serve(PATH, self._answer)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        next_answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        next_answer(handler)

    def answers_with(self, *answers: Answer) -> None:
        self.answers = list(answers)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(received.body) for received in self.server.received]

    @property
    def sent_keys(self) -> list[str | None]:
        return [received.headers.get("authorization") for received in self.server.received]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with WebServer() as server:
        yield Endpoint(server)


Summarize = Callable[..., SummarizeOutput]


@pytest.fixture
def summarize(endpoint: Endpoint) -> Iterator[Summarize]:
    chat_models: list[ChatModel] = []

    def run(
        text: str = TEXT,
        keys: ApiKey | None = None,
        seconds: float = 30,
        model: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        *,
        provider_key: str | None = None,
    ) -> SummarizeOutput:
        chat_models.append(ChatModel(endpoint.server.url("/v1")))
        task_input = SummarizeInput(text=text, model=model, parameters=dict(parameters or {}))
        stored = provider_key.encode() if provider_key else None
        context = TaskContext(UUID(int=1), "tenant", "summarize", 0, lambda: seconds, stored)
        api_keys = ApiKeys(keys or Keys("sk-1"), lambda _run_id, stored: stored.decode())
        return Summarizer(chat_models[-1], api_keys, "gpt-4").summarize(task_input, context)

    yield run
    for chat_model in chat_models:
        chat_model.close()


def completion(content: str | None = "Bees make honey.", finish_reason: str = "stop", **fields: Any) -> Answer:
    message = {"role": "assistant", "content": content} | fields.pop("message", {})
    choices = [{"index": 0, "message": message, "finish_reason": finish_reason}]
    document = {"id": "c-1", "object": "chat.completion", "created": 1, "model": "gpt-4-0613", "choices": choices}
    return as_json(200, document | {"usage": USAGE} | fields)


def refusal(status: int, message: str = "no", code: str | None = None, **fields: Any) -> Answer:
    return as_json(status, {"error": {"message": message, "type": "some_error", "param": None, "code": code} | fields})


def as_json(status: int, document: Any) -> Answer:
    return answer(status, json.dumps(document).encode(), content_type="application/json")


def failure(summarize: Summarize, **arguments: Any) -> TaskError:
    with pytest.raises(TaskError) as caught:
        summarize(**arguments)
    return caught.value


def test_the_summary_comes_with_the_model_that_answered_and_its_usage(endpoint: Endpoint, summarize: Summarize) -> None:
    endpoint.answers_with(completion(" Bees make honey.\n"))
    assert summarize() == SummarizeOutput(
        summary="Bees make honey.",
        model="gpt-4-0613",
        usage=SummarizeUsage(prompt_tokens=21, completion_tokens=4, total_tokens=25),
        truncated=False,
    )


def test_the_text_is_the_whole_user_message_and_parameters_are_passed_on(
    endpoint: Endpoint, summarize: Summarize
) -> None:
    endpoint.answers_with(completion())
    summarize(model="gpt-4o", parameters={"max_tokens": 150, "temperature": 0.7, "a_new_one": {"x": [1]}})
    assert endpoint.bodies == [
        {
            "model": "gpt-4o",
            "messages": [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": TEXT}],
            "max_tokens": 150,
            "temperature": 0.7,
            "a_new_one": {"x": [1]},
        }
    ]


@pytest.mark.parametrize(
    "name",
    ["messages", "model", "stream", "stream_options", "extra_headers", "extra_query", "extra_body", "timeout"],
)
def test_parameters_cannot_take_the_place_of_what_the_task_sets(
    endpoint: Endpoint, summarize: Summarize, name: str
) -> None:
    error = failure(summarize, parameters={name: "x"})
    assert (type(error), error.reason) == (PermanentTaskError, ErrorReason.INVALID)
    assert f"`{name}`" in error.message
    assert endpoint.server.received == []


def test_without_a_key_no_authorization_is_sent(endpoint: Endpoint, summarize: Summarize) -> None:
    endpoint.answers_with(completion())
    summarize(keys=NoApiKey())
    assert endpoint.sent_keys == [None]


def test_a_rotated_key_is_taken_at_once(endpoint: Endpoint, summarize: Summarize) -> None:
    endpoint.answers_with(refusal(401, "Incorrect API key provided: sk-1."), completion())
    assert summarize(keys=Keys("sk-1", "sk-2")).summary == "Bees make honey."
    assert endpoint.sent_keys == ["Bearer sk-1", "Bearer sk-2"]


@pytest.mark.parametrize("keys", [["sk-1"], ["sk-1", "sk-2"]])
def test_a_bad_key_is_asked_with_once_and_named_by_its_place(
    endpoint: Endpoint, summarize: Summarize, keys: list[str]
) -> None:
    endpoint.answers_with(refusal(401, "Incorrect API key provided: sk-1.", "invalid_api_key"))
    error = failure(summarize, keys=Keys(*keys))
    assert (type(error), error.reason) == (PermanentTaskError, ErrorReason.ACCESS_DENIED)
    assert "OPENAI_API_KEY_SECRET_ARN" in error.message
    assert "sk-" not in "".join(traceback.format_exception(error)), "the log prints it"
    assert endpoint.sent_keys == [f"Bearer {key}" for key in keys]


def test_a_callers_own_key_is_asked_with_in_place_of_the_deployments(endpoint: Endpoint, summarize: Summarize) -> None:
    endpoint.answers_with(completion())
    summarize(provider_key="sk-caller")
    summarize()
    assert endpoint.sent_keys == ["Bearer sk-caller", "Bearer sk-1"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_callers_key_that_is_refused_is_the_callers_to_mend_and_no_other_is_tried(
    endpoint: Endpoint, summarize: Summarize, status: int
) -> None:
    endpoint.answers_with(refusal(status, "Incorrect API key provided: sk-caller.", "invalid_api_key"))
    error = failure(summarize, provider_key="sk-caller", keys=Keys("sk-1", "sk-2"))
    assert (type(error), error.reason) == (PermanentTaskError, ErrorReason.ACCESS_DENIED)
    assert error.message == f"The model's endpoint refuses the API key ({status}); {CALLERS}."
    assert "sk-" not in "".join(traceback.format_exception(error)), "the log prints it"
    assert endpoint.sent_keys == ["Bearer sk-caller"]


@pytest.mark.parametrize("code", ["context_length_exceeded", "another_code"])
def test_a_bad_request_is_told_without_the_callers_key(endpoint: Endpoint, summarize: Summarize, code: str) -> None:
    endpoint.answers_with(refusal(400, "No: sk-caller is the key.", code))
    error = failure(summarize, provider_key="sk-caller")
    assert "No: … is the key." in error.message
    assert "sk-caller" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    ("refused", "kind", "reason"),
    [
        (refusal(403), PermanentTaskError, ErrorReason.ACCESS_DENIED),
        (refusal(404, code="model_not_found"), PermanentTaskError, ErrorReason.NOT_FOUND),
        (answer(404, b"<html>no</html>", content_type="text/html"), PermanentTaskError, ErrorReason.NOT_FOUND),
        (refusal(429, code="rate_limit_exceeded"), RetryableTaskError, ErrorReason.RATE_LIMIT_EXCEEDED),
        (refusal(429, code="insufficient_quota"), PermanentTaskError, ErrorReason.QUOTA_EXCEEDED),
        (refusal(429, type="insufficient_quota"), PermanentTaskError, ErrorReason.QUOTA_EXCEEDED),
        (refusal(402), PermanentTaskError, ErrorReason.QUOTA_EXCEEDED),
        (refusal(500), RetryableTaskError, ErrorReason.BACKEND_ERROR),
        (answer(503, b"busy"), RetryableTaskError, ErrorReason.BACKEND_ERROR),
        (refusal(408), RetryableTaskError, ErrorReason.BACKEND_ERROR),
        (refusal(400), PermanentTaskError, ErrorReason.INVALID),
        (refusal(422), PermanentTaskError, ErrorReason.INVALID),
        (answer(400, b"what?"), PermanentTaskError, ErrorReason.INVALID),
        (as_json(400, ["what?"]), PermanentTaskError, ErrorReason.INVALID),
        (send_raw(), RetryableTaskError, ErrorReason.BACKEND_ERROR),
        (send_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), RetryableTaskError, ErrorReason.BACKEND_ERROR),
        (answer(200, b"{", content_type="application/json"), PermanentTaskError, ErrorReason.BACKEND_ERROR),
        (answer(200, b"<html>", content_type="text/html"), PermanentTaskError, ErrorReason.BACKEND_ERROR),
        (as_json(200, {"object": "chat.completion"}), PermanentTaskError, ErrorReason.BACKEND_ERROR),
        (completion(choices=[]), PermanentTaskError, ErrorReason.BACKEND_ERROR),
        (completion(message={"refusal": "I cannot."}), PermanentTaskError, ErrorReason.INVALID),
        (completion("Bees", "content_filter"), PermanentTaskError, ErrorReason.INVALID),
        (completion(None, "length"), PermanentTaskError, ErrorReason.INVALID),
        (completion("  "), RetryableTaskError, ErrorReason.BACKEND_ERROR),
        (completion(None), RetryableTaskError, ErrorReason.BACKEND_ERROR),
    ],
)
def test_what_goes_wrong_is_told_in_the_words_of_a_task(
    endpoint: Endpoint, summarize: Summarize, refused: Answer, kind: type[TaskError], reason: ErrorReason
) -> None:
    endpoint.answers_with(refused)
    error = failure(summarize)
    assert (type(error), error.reason) == (kind, reason)
    assert len(endpoint.server.received) == 1, "the library's own retries are off"
    assert "sk-1" not in error.message


def test_the_author_reads_what_the_provider_says_of_a_bad_request_but_not_the_key(
    endpoint: Endpoint, summarize: Summarize
) -> None:
    endpoint.answers_with(refusal(400, "Unsupported parameter: 'max_tokens'. Your key is sk-1."))
    assert "Unsupported parameter: 'max_tokens'. Your key is …." in failure(summarize).message


def test_the_refusal_is_told(endpoint: Endpoint, summarize: Summarize) -> None:
    endpoint.answers_with(completion(None, message={"refusal": "I cannot help with that."}))
    assert failure(summarize).message.endswith("I cannot help with that.")


def test_an_endpoint_that_does_not_answer_in_time_is_given_up(endpoint: Endpoint, summarize: Summarize) -> None:
    endpoint.answers_with(send_raw(b"", b"HTTP/1.1 200 OK\r\n\r\n", pause_seconds=3))
    error = failure(summarize, seconds=6.1)
    assert (type(error), error.reason) == (RetryableTaskError, ErrorReason.TIMEOUT)


def test_with_no_time_left_nothing_is_asked(endpoint: Endpoint, summarize: Summarize) -> None:
    error = failure(summarize, seconds=5.5)
    assert (type(error), error.reason) == (RetryableTaskError, ErrorReason.TIMEOUT)
    assert endpoint.server.received == []


def test_a_port_where_nobody_listens_is_worth_another_try() -> None:
    with WebServer() as server:
        nobody = server.url("/v1")
    chat_model, api_keys = ChatModel(nobody), ApiKeys(NoApiKey(), lambda _run_id, stored: stored.decode())
    context = TaskContext(UUID(int=1), "tenant", "summarize", 0, lambda: 30.0)
    with pytest.raises(RetryableTaskError) as caught:
        Summarizer(chat_model, api_keys, "gpt-4").summarize(SummarizeInput(text=TEXT), context)
    assert caught.value.reason is ErrorReason.BACKEND_ERROR
    chat_model.close()


def test_a_text_longer_than_the_window_is_cut_at_a_sentence_and_the_output_says_so(
    endpoint: Endpoint, summarize: Summarize
) -> None:
    endpoint.answers_with(completion())
    assert summarize(text="It was a fine day. " * 10_000, parameters={"max_tokens": 100}).truncated
    [sent] = [body["messages"][1]["content"] for body in endpoint.bodies]
    assert sent.endswith("It was a fine day.")
    assert 20_000 < len(sent) < 25_000


@pytest.mark.parametrize(
    "too_long",
    [
        refusal(400, "This model's maximum context length is 8192 tokens.", "context_length_exceeded"),
        refusal(400, "This model's maximum context length is 8192 tokens."),
        refusal(400, "Input tokens exceed the configured limit of 272,000 tokens.", "some_code"),
    ],
)
def test_a_text_that_the_model_finds_too_long_is_halved_at_most_twice(
    endpoint: Endpoint, summarize: Summarize, too_long: Answer
) -> None:
    text = "It was a fine day. " * 100
    endpoint.answers_with(too_long, too_long, completion())
    assert summarize(text=text).truncated
    whole, half, quarter = [body["messages"][1]["content"] for body in endpoint.bodies]
    assert whole == text
    assert (half, quarter) == (" ".join(["It was a fine day."] * 50), " ".join(["It was a fine day."] * 25))


def test_a_text_still_too_long_after_two_halvings_fails_with_the_providers_words(
    endpoint: Endpoint, summarize: Summarize
) -> None:
    endpoint.answers_with(refusal(400, "Maximum context length is 9 tokens.", "context_length_exceeded"))
    error = failure(summarize)
    assert (type(error), error.reason) == (PermanentTaskError, ErrorReason.RESOURCES_EXCEEDED)
    assert "Maximum context length is 9 tokens." in error.message
    assert len(endpoint.server.received) == 3


def test_usage_of_another_shape_is_left_out(endpoint: Endpoint, summarize: Summarize) -> None:
    endpoint.answers_with(completion(usage={"tokens": 3}))
    assert summarize().usage is None


def test_a_text_of_blanks_is_refused(endpoint: Endpoint, summarize: Summarize) -> None:
    assert failure(summarize, text=" \n").reason is ErrorReason.INVALID
    assert endpoint.server.received == []
