"""What the documents say of triggers, held to the code: codes, log lines, and the day that a time is in."""

import ast
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from jsonata import Jsonata

from stepcall.domain.check import check_definition
from stepcall.domain.schedule_expression import read_schedule
from stepcall.tasks.catalog import CATALOG
from stepcall.use_cases.invalid_events import CODES
from stepcall.use_cases.sweep_triggers import QUOTA, REFUSED

ROOT = Path(__file__).parents[2]
LAYER = ROOT / "layers" / "stepcall" / "stepcall"
TRIGGERS, PROBLEMS, OPERATIONS = (
    (ROOT / "docs" / f"{name}.md").read_text() for name in ("triggers", "problems", "operations")
)
GENERAL, _, OF_TRIGGERS = PROBLEMS.partition("## Triggers\n")
BEHIND_EVENTS = OF_TRIGGERS.partition("**`last_error.code`**")[2].partition("\n\nBesides, ")[0]
TELLING = [
    *(LAYER / "domain").glob("trigger*.py"),
    *(LAYER / "domain" / f"{name}.py" for name in ("event_pattern", "pattern_matchers", "schedule_expression")),
    LAYER / "aws" / "trigger_errors.py",
    ROOT / "functions" / "workflows_api" / "trigger_requests.py",
]
LOGGING = [*(LAYER / "use_cases").glob("*trigger*.py"), *(ROOT / "functions" / "start_triggered_run").glob("*.py")]


def calls_in(path: Path) -> Iterator[tuple[str, list[ast.expr]]]:
    """The name of each function called, and what it is given by position."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "id", getattr(node.func, "attr", "")), node.args


def codes_told() -> set[str]:
    """Of the problems that modules of triggers tell of, as far as they are written where they are told."""
    return {
        str(arguments[1].value)
        for path in TELLING
        for name, arguments in calls_in(path)
        if name in {"Problem", "Fault"} and isinstance(arguments[1], ast.Constant)
    }


def test_every_code_of_a_trigger_is_in_the_document() -> None:
    told = codes_told()
    assert {"invalid_expression", "unknown_matcher", "missing_event_value", "stays"} <= told
    general = set(re.findall(r"^\| `(\w+)` \|", GENERAL, re.MULTILINE))
    of_triggers = set(re.findall(r"`([a-z_]+)`", OF_TRIGGERS))
    assert told - general <= of_triggers
    assert {REFUSED, QUOTA, "unknown_event_value"} <= of_triggers


def test_the_document_has_no_code_that_no_trigger_has() -> None:
    general = set(re.findall(r"^\| `(\w+)` \|", GENERAL, re.MULTILINE))
    listed = {
        code
        for line in re.findall(r"^- (`.*(?:\n  .*)*)", OF_TRIGGERS, re.MULTILINE)
        for code in re.findall(r"`([a-z]+_[a-z_]+|stays)`", line)
    }
    assert listed <= codes_told() | general | {REFUSED, QUOTA, "unknown_event_value"}
    assert set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", BEHIND_EVENTS)) <= {*CODES.values()}


def test_the_log_lines_of_triggers_are_in_the_document() -> None:
    section = OPERATIONS.partition("## A trigger did not fire\n")[2].partition("\n## ")[0]
    told = {
        name
        for line in re.findall(r"^ +\| (`\w+`(?:, `\w+`)*) \|", section, re.MULTILINE)
        for name in re.findall(r"\w+", line)
    }
    logged = {
        str(arguments[0].value)
        for path in LOGGING
        for name, arguments in calls_in(path)
        if name in {"log", "log_fact"} and isinstance(arguments[0], ast.Constant)
    }
    assert told == logged | {"event_refused"}


@pytest.mark.parametrize("clock", ["00:30", "12:00", "22:59"])
def test_the_day_that_the_example_cuts_out_is_that_of_berlin_all_the_year(clock: str) -> None:
    [example] = re.findall(r"```json\n(.*?)```", TRIGGERS, re.DOTALL)
    [task] = check_definition(json.loads(example), CATALOG).definition.tasks
    day, (hours, minutes) = Jsonata(task.input["expression"]), map(int, clock.split(":"))
    schedule = read_schedule(f"cron({minutes} {hours} * * ? *)", "Europe/Berlin")
    times = schedule.next_times(datetime(2026, 11, 21, tzinfo=UTC), 365)
    assert len(times) == 365
    for time in times:
        due = time.isoformat().replace("+00:00", "Z")
        assert day.evaluate(due) == time.astimezone(ZoneInfo("Europe/Berlin")).date().isoformat(), due


def test_the_clocks_of_berlin_change_as_the_document_says() -> None:
    at_night = read_schedule("cron(30 2 * * ? *)", "Europe/Berlin").next_times(datetime(2027, 3, 27, tzinfo=UTC), 2)
    assert [time.day for time in at_night] == [27, 29]
    often = read_schedule("cron(*/5 * * * ? *)", "Europe/Berlin")
    before, after = often.next_times(datetime(2026, 10, 25, 0, 54, tzinfo=UTC), 2)
    berlin = ZoneInfo("Europe/Berlin")
    assert [time.astimezone(berlin).strftime("%H:%M") for time in (before, after)] == ["02:55", "03:00"]
    assert (after - before).total_seconds() == 65 * 60
