"""Data.Transform with its child processes: limits that hold, and what remains after one has ended."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from run_data_task.evaluator import Limits
from run_data_task.transform import Transformer
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError, TaskError
from stepcall.domain.task_contract import TaskContext
from stepcall.runtime.kept_processes import KeptProcess, ProcessEndedError, ProcessPool
from stepcall.tasks.data import TransformInput

ENDLESS = "($f := function($n) { $f($n + 1) }; $f(0))"
MANY = "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'"
BACKTRACKING = "/^(a+)+$/"
DOUBLED = "($f := function($s, $n) { $n = 0 ? $s : $f($s & $s, $n - 1) }; $length($f('x', 40)))"
SHARED = "($f := function($s, $n) { $n = 0 ? $s : $f([[$s], [$s]], $n - 1) }; $f([1], 40))"
NESTED_RESULT = "($f := function($s, $n) { $n = 0 ? $s : $f({'a': $s}, $n - 1) }; $f([], 300))"
NARROW = Limits(seconds=0.5, memory_bytes=256 * 1024 * 1024)

Transform = Callable[..., Any]


@pytest.fixture
def pool() -> Iterator[ProcessPool]:
    made = ProcessPool(2, NARROW.child)
    yield made
    made.close()


@pytest.fixture(scope="module")
def roomy_pool() -> Iterator[ProcessPool]:
    made = ProcessPool(1, Limits().child)
    yield made
    made.close()


@pytest.fixture
def evaluator() -> Iterator[KeptProcess]:
    made = KeptProcess(NARROW.child)
    yield made
    made.end()


def transform(pool: ProcessPool, expression: str, data: Any = None, seconds: float = 20) -> Any:
    context = TaskContext(UUID(int=1), "tenant", "t", 0, lambda: seconds)
    _, most_seconds, most_bytes = pool.module
    limits = Limits(float(most_seconds), int(most_bytes))
    return Transformer(pool, limits).transform(TransformInput(expression=expression, data=data), context).result


def failure(pool: ProcessPool, expression: str, seconds: float = 20) -> TaskError:
    with pytest.raises(TaskError) as caught:
        transform(pool, expression, seconds=seconds)
    return caught.value


def request(expression: str) -> bytes:
    return json.dumps({"expression": expression, "data": None}).encode()


def test_an_expression_is_evaluated_on_the_data(pool: ProcessPool) -> None:
    assert transform(pool, "$sum(prices)", {"prices": [1, 2.5]}) == 3.5


@pytest.mark.parametrize(
    "expression",
    [
        ENDLESS,
        f"$match({MANY}, {BACKTRACKING})",
        f"$replace({MANY}, {BACKTRACKING}, 'b')",
        f"$split({MANY}, {BACKTRACKING})",
        f"$contains({MANY}, {BACKTRACKING})",
        f'$eval("$contains({MANY}, {BACKTRACKING})")',
        "$count([1..9999999].[1..100])",
        SHARED,
    ],
)
def test_what_takes_too_long_is_stopped_and_what_comes_next_is_not(pool: ProcessPool, expression: str) -> None:
    begin = time.monotonic()
    error = failure(pool, expression)
    assert time.monotonic() - begin < 5
    assert type(error) is PermanentTaskError
    # where memory runs out first, that is as good an end
    assert error.reason in {ErrorReason.TIMEOUT, ErrorReason.RESOURCES_EXCEEDED}
    assert transform(pool, "1 + 1") == 2


def test_too_much_time_is_called_so(pool: ProcessPool) -> None:
    error = failure(pool, ENDLESS)
    assert (error.reason, "0.5 seconds" in error.message) == (ErrorReason.TIMEOUT, True)


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not hold the limit of memory")
@pytest.mark.parametrize(
    "expression",
    [
        "$length($pad('x', 2000000000))",
        "$pad('x', 1e18)",
        DOUBLED,
        f"true and {DOUBLED}",
        f'$eval("{DOUBLED}")',
    ],
)
def test_what_takes_too_much_memory_is_stopped_and_what_comes_next_is_not(
    roomy_pool: ProcessPool, expression: str
) -> None:
    error = failure(roomy_pool, expression)
    assert type(error) is PermanentTaskError
    assert (error.reason, "768 MB" in error.message) == (ErrorReason.RESOURCES_EXCEEDED, True)
    assert transform(roomy_pool, "1 + 1") == 2


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("a.b.(", ErrorReason.INVALID_QUERY),
        ("1 / 0", ErrorReason.INVALID),
        ("$sum", ErrorReason.INVALID),
        ("($f := function($n) { 1 + $f($n + 1) }; $f(0))", ErrorReason.RESOURCES_EXCEEDED),
        (NESTED_RESULT, ErrorReason.RESOURCES_EXCEEDED),
    ],
)
def test_what_has_no_result_fails_for_good(roomy_pool: ProcessPool, expression: str, reason: ErrorReason) -> None:
    error = failure(roomy_pool, expression)
    assert (type(error), error.reason) == (PermanentTaskError, reason)


def test_20_mb_of_records_are_transformed(roomy_pool: ProcessPool) -> None:
    records = [{"id": number, "name": "name " * 60, "tags": ["a", "b"]} for number in range(60_000)]
    assert len(json.dumps(records)) > 20_000_000
    assert transform(roomy_pool, "{'all': $, 'count': $count($)}", records) == {"all": records, "count": 60_000}


def test_20_mb_of_text_are_transformed(roomy_pool: ProcessPool) -> None:
    text = "ü\n\u2028" * 4_000_000
    assert transform(roomy_pool, "$", text) == text


@pytest.mark.parametrize("data", [2**53 + 1, 10**4000, 3.0, "\x00\x1f\x7f\u2028", [[]], {"": None}, None, True])
def test_data_comes_through_as_it_is(roomy_pool: ProcessPool, data: Any) -> None:
    assert transform(roomy_pool, "$", data) == data


def test_threads_get_each_their_own_result(pool: ProcessPool) -> None:
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda number: transform(pool, "$ & ''", number), range(400)))
    assert results == [str(number) for number in range(400)]


def test_when_all_are_at_work_a_task_waits_only_as_long_as_it_may(pool: ProcessPool) -> None:
    with pool.process(1), pool.process(1):
        error = failure(pool, "1", 0.05)
    assert (type(error), error.reason) == (RetryableTaskError, ErrorReason.TIMEOUT)
    assert transform(pool, "1") == 1


def test_an_evaluator_that_was_killed_while_it_rested_is_replaced(pool: ProcessPool) -> None:
    assert transform(pool, "1") == 1
    rested = pool._places.queue[-1]
    assert rested is not None
    os.kill(rested.process_id, signal.SIGKILL)
    while rested.is_alive:
        time.sleep(0.01)
    assert transform(pool, "1") == 1


def test_an_answer_that_nobody_waits_for_reaches_nobody_else(pool: ProcessPool) -> None:
    def ask_and_be_interrupted() -> None:
        with pool.process(1) as evaluator:
            evaluator._requests.write(request("'somebody else'") + b"\n")
            evaluator._requests.flush()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask_and_be_interrupted()
    assert transform(pool, "'mine'") == "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_evaluator_gets_no_credentials_and_can_open_nothing(
    monkeypatch: pytest.MonkeyPatch, pool: ProcessPool
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "hidden")
    evaluator = KeptProcess(NARROW.child)
    evaluator.ask(request("1"))
    process = Path("/proc") / str(evaluator.process_id)
    assert b"hidden" not in (process / "environ").read_bytes()
    limits = {line[:25].strip(): line[25:].split()[:2] for line in (process / "limits").read_text().splitlines()}
    assert limits["Max open files"] == ["0", "0"]
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max address space"] == [str(NARROW.memory_bytes)] * 2
    evaluator.end()


def test_an_evaluator_ends_when_its_pipe_is_closed(evaluator: KeptProcess) -> None:
    # as when the process that asks is killed
    evaluator.ask(request("1"))
    evaluator._requests.close()
    assert evaluator._process.wait(timeout=5) == 0


def test_an_evaluator_that_cannot_start_is_a_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    evaluator = KeptProcess(NARROW.child)
    with pytest.raises(RuntimeError, match="does not start: exit code 1"):
        evaluator.ask(request("1"))
    evaluator.end()


def test_an_evaluator_says_how_it_ended(evaluator: KeptProcess) -> None:
    with pytest.raises(ProcessEndedError) as caught:
        evaluator.ask(request(ENDLESS))
    assert caught.value.exit_code == -signal.SIGALRM
