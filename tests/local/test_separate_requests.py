"""Requests that one process handles at the same time do not see each other, as they cannot on Lambda."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.event_handler.api_gateway import ApiGatewayResolver

from local.lambda_runtime import Function, InProcessLambda
from local.moto_world.replacing import placed
from local.separate_requests import FIELDS, POWERTOOLS_RESOLVE, separate_requests
from tests.local import handlers

EVENT = json.loads((Path(__file__).parent / "gateway_events" / "get_on_the_default_route.event.json").read_text())
WORDS = ("one", "two")


def request(word: str) -> str:
    http = {**EVENT["requestContext"]["http"], "path": f"/words/{word}"}
    context = {**EVENT["requestContext"], "http": http}
    event = {**EVENT, "rawPath": f"/words/{word}", "queryStringParameters": {"word": word}, "requestContext": context}
    return json.dumps(event)


def ask_at_once() -> list[dict[str, Any]]:
    functions = InProcessLambda([Function("Logical", "words", "arn", "tests.local.handlers.resolve", 5, 128, {})])
    answers: dict[str, dict[str, Any]] = {}

    def ask(word: str) -> None:
        answers[word] = json.loads(functions.invoke("words", request(word)).payload)

    threads = [threading.Thread(target=ask, args=(word,)) for word in WORDS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[word] for word in WORDS]


def test_two_requests_at_once_each_have_their_own_event_and_context() -> None:
    with separate_requests():
        answers = [json.loads(answer["body"]) for answer in ask_at_once()]
    for word, answer in zip(WORDS, answers, strict=True):
        assert (answer["path"], answer["query"], answer["context"]) == (word, word, word)
    assert answers[0]["id"] != answers[1]["id"]


def test_without_it_they_do_not() -> None:
    """As long as this passes, Powertools' resolver keeps the request on the class and the correction is needed."""
    with powertools_as_it_comes():
        answers = ask_at_once()
    told = [json.loads(answer["body"]) for answer in answers if "body" in answer and answer["statusCode"] == 200]
    assert len({answer["query"] for answer in told}) < len(WORDS)


def test_it_can_be_done_twice_and_is_taken_back() -> None:
    before = standing()
    with separate_requests():
        once = standing()
        with separate_requests():
            pass
        assert standing() == once
    assert standing() == before


def standing() -> dict[str, Any]:
    return {name: vars(ApiGatewayResolver).get(name) for name in ("resolve", *FIELDS)}


@contextmanager
def powertools_as_it_comes() -> Iterator[None]:
    """Also when a local stack runs in this process."""
    with ExitStack() as stack:
        stack.enter_context(placed(ApiGatewayResolver, "resolve", POWERTOOLS_RESOLVE))
        for name in FIELDS:
            corrected = vars(ApiGatewayResolver).get(name)
            if corrected is not None:
                delattr(ApiGatewayResolver, name)
                stack.callback(setattr, ApiGatewayResolver, name, corrected)
        yield


def test_a_resolver_keeps_what_it_was_given_before_any_request() -> None:
    with separate_requests():
        handlers.app.context["kept"] = "since the start"
        assert handlers.app.context["kept"] == "since the start"
        with pytest.raises(AttributeError):
            _ = handlers.app.current_event
    handlers.app.context.clear()
