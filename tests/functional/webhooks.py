"""What the tests of webhooks have in common."""

from typing import Any

from tests.functional.conftest import Answer, Api

ECHO = {"tasks": [{"ref": "only", "type": "Data.Transform", "input": {"expression": "1"}}]}
URL = "https://example.com/hooks?token=hunter2"


def create(api: Api, path: str, **said: Any) -> Any:
    answer = api("POST", path, {"url": URL} | said)
    assert answer.status == 201, answer.text
    return answer.json


def problem(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["type"].removeprefix("urn:stepcall:problem:")


def codes(answer: Answer) -> list[tuple[str, str]]:
    return [(each["location"], each["code"]) for each in answer.json["errors"]]


def shown(made: Any) -> Any:
    return {name: value for name, value in made.items() if name != "secret"}
