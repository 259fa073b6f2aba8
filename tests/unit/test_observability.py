"""What is logged, and what must not be."""

import logging
import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from local.lambda_runtime import Context
from stepcall.domain.run import RunStatus
from stepcall.runtime import observability
from stepcall.runtime.observability import correlation_id, log_about, log_fact, logs_invocation, name_in_log
from stepcall.stores.run_store import OpenRun
from tests.clock import Clock
from tests.logged_lines import logged_lines

FUNCTIONS = Path(__file__).parents[2] / "functions"
CONTEXT: Any = Context("a-function", "arn:aws:lambda:eu-central-1:123456789012:function:a-function", "128", 0.0)
OPEN_RUN = OpenRun(UUID(int=1), "acme", RunStatus.PENDING, Clock().time, "hash", correlation_id="req-7")


@logs_invocation
def handle(event: dict[str, Any], _context: LambdaContext) -> str:
    name_in_log(**event)
    log_fact("worked")
    return correlation_id()


@pytest.mark.parametrize(
    "name", ["botocore.endpoint", "botocore.parsers", "urllib3.connectionpool", "openai._base_client"]
)
def test_libraries_that_log_what_they_send_do_not_even_at_debug(name: str) -> None:
    assert observability.logger is not None
    assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)


def test_every_line_of_an_invocation_says_whose_it_is_and_nothing_of_the_one_before() -> None:
    with logged_lines() as lines:
        assert handle({"correlation_id": "req-1", "tenant": "acme", "ref": "page"}, CONTEXT) == "req-1"
        assert handle({"correlation_id": "req-2"}, CONTEXT) == "req-2"
        assert handle({}, CONTEXT) == ""
    first, second, third = lines
    assert (first["correlation_id"], first["tenant"], first["ref"]) == ("req-1", "acme", "page")
    assert second["correlation_id"] == "req-2"
    assert not {"tenant", "ref"} & second.keys()
    assert not {"tenant", "ref", "correlation_id"} & third.keys()
    assert {line["function_name"] for line in lines} == {"a-function"}


def test_what_fails_leaves_nothing_for_the_next_invocation() -> None:
    @logs_invocation
    def fail(_event: dict[str, Any], _context: LambdaContext) -> None:
        name_in_log(tenant="acme")
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail({}, CONTEXT)
    with logged_lines() as lines:
        handle({}, CONTEXT)
    assert "tenant" not in lines[0]


def test_an_invocation_in_another_thread_is_named_by_itself() -> None:
    """The local stack has many at once."""
    named, others_done = threading.Event(), threading.Event()

    @logs_invocation
    def wait(_event: dict[str, Any], _context: LambdaContext) -> None:
        name_in_log(correlation_id="req-1")
        named.set()
        assert others_done.wait(5)
        log_fact("worked")

    with logged_lines() as lines:
        waiting = threading.Thread(target=wait, args=({}, CONTEXT))
        waiting.start()
        assert named.wait(5)
        handle({"correlation_id": "req-2"}, CONTEXT)
        others_done.set()
        waiting.join()
    assert [line["correlation_id"] for line in lines] == ["req-2", "req-1"]


def test_what_is_about_one_run_of_many_names_it_and_the_rest_does_not() -> None:
    @logs_invocation
    def see_to_one(_event: dict[str, Any], _context: LambdaContext) -> None:
        name_in_log(correlation_id="req-1")
        with log_about(OPEN_RUN):
            log_fact("run_admitted")
        log_fact("run_waits")

    with logged_lines() as lines:
        see_to_one({}, CONTEXT)
    about, after = lines
    assert (about["run_id"], about["tenant"], about["correlation_id"]) == (str(OPEN_RUN.run_id), "acme", "req-7")
    assert after["correlation_id"] == "req-1"
    assert after["function_request_id"] == about["function_request_id"]
    assert not {"run_id", "tenant"} & after.keys()


@pytest.mark.parametrize("path", sorted(FUNCTIONS.glob("*/app.py")), ids=lambda path: path.parent.name)
def test_every_handler_begins_its_log_anew(path: Path) -> None:
    text = path.read_text()
    assert "inject_lambda_context" not in text
    assert "@logs_invocation" in text or "task_handler(" in text
