"""What nobody means well when he says it of a trigger, over HTTP: refused in words, and the answer stays readable."""

from typing import Any

import pytest

from tests.functional.conftest import Api
from tests.functional.webhooks import ECHO

HOURLY = {"type": "schedule", "expression": "rate(1 hour)"}


@pytest.fixture
def path(api: Api) -> str:
    return f"/workflows/{api.define(**ECHO)}/triggers"


def refused(api: Api, method: str, path: str, said: Any) -> list[dict[str, str]]:
    answer = api(method, path, said)
    assert answer.status == 400, answer.text[:200]
    errors: list[dict[str, str]] = answer.json["errors"]
    return errors


@pytest.mark.parametrize(
    ("expression", "timezone"),
    [("at(9999-12-31T23:59:59)", "America/New_York"), ("at(0001-01-01T00:00:00)", "Asia/Tokyo")],
)
def test_a_time_beyond_all_calendars_is_refused_when_made_and_when_changed(
    api: Api, path: str, expression: str, timezone: str
) -> None:
    said = {"expression": expression, "timezone": timezone}
    made = api("POST", path, HOURLY).json
    for method, at, more in (("POST", path, {"type": "schedule"}), ("PATCH", f"{path}/{made['trigger_id']}", {})):
        [error] = refused(api, method, at, said | more)
        assert (error["location"], error["code"]) == ("/expression", "invalid_expression")


def test_an_empty_time_zone_is_none_when_made_and_when_changed(api: Api, path: str) -> None:
    made = api("POST", path, HOURLY).json
    for method, at, more in (("POST", path, HOURLY), ("PATCH", f"{path}/{made['trigger_id']}", {})):
        [error] = refused(api, method, at, more | {"timezone": ""})
        assert (error["location"], error["code"]) == ("/timezone", "unknown_timezone")


def test_seventy_thousand_unknown_fields_are_a_thousand_problems_and_what_is_wrong_besides(api: Api, path: str) -> None:
    said = {f"k{number}": 0 for number in range(70_000)} | {"enabled": "yes"}
    errors = refused(api, "POST", path, HOURLY | said)
    assert (errors[0]["location"], len(errors)) == ("/enabled", 1000)
    assert {error["code"] for error in errors[1:]} == {"unknown_field"}


def test_a_key_of_nearly_a_megabyte_is_not_sent_back(api: Api, path: str) -> None:
    answer = api("POST", path, HOURLY | {"k" * 900_000: 1})
    [error] = answer.json["errors"]
    assert (answer.status, error["code"], len(error["location"])) == (400, "unknown_field", 1000)
    assert len(answer.text) < 3000


def test_of_many_warnings_ten_are_shown_and_how_many_more_there_are(api: Api) -> None:
    inputs = [{"name": f"i{number}", "type": "string"} for number in range(30)]
    workflow = api.define(**ECHO | {"input": inputs})
    path = f"/workflows/{workflow}/triggers"
    made = api("POST", path, HOURLY | {"input": {each["name"]: "x" for each in inputs}}).json
    assert "warnings" not in made
    changed = ECHO | {"name": "Other", "input": [{"name": "other", "type": "string", "default": ""}]}
    assert api("PUT", f"/workflows/{workflow}", changed).status == 200
    [shown] = api("GET", path).json["triggers"]
    assert [each["code"] for each in shown["warnings"]] == ["unknown_input"] * 10 + ["more_warnings"]
    assert shown["warnings"][-1]["message"].startswith("There are 20 more")
