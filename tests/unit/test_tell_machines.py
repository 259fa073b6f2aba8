"""Machines are told how the tasks have ended that they wait for."""

from collections.abc import Callable

from stepcall.domain.run import TaskStatus
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.tell_machines import StreamedEnd, tell_machines

YES = StreamedEnd("1", "token-yes", "run-1", TaskStatus.COMPLETED)
NO = StreamedEnd("2", "token-no", "run-2", TaskStatus.FAILED)
LATER = StreamedEnd("3", "token-later", "run-3", TaskStatus.COMPLETED)


class Machines:
    def __init__(self, is_down_for: Callable[[str], bool] = lambda _: False) -> None:
        self.told: list[tuple[str, ...]] = []
        self._is_down_for = is_down_for

    def succeed_task(self, token: str) -> None:
        self._tell(token)

    def fail_task(self, token: str, error: str, cause: str) -> None:
        self._tell(token, error, cause)

    def _tell(self, token: str, *more: str) -> None:
        if self._is_down_for(token):
            raise EngineUnavailableError(f"Value '{token}' at 'taskToken' failed to satisfy a constraint.")
        self.told.append((token, *more))


class Log:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, str]]] = []

    def __call__(self, event: str, /, **facts: str) -> None:
        self.lines.append((event, facts))


def test_each_machine_is_told_its_own_end_and_never_why() -> None:
    machines, log = Machines(), Log()
    assert tell_machines([YES, NO], machines, log) is None
    assert machines.told == [("token-yes",), ("token-no", "PermanentTaskError", "The run's record says why.")]
    assert [event for event, _ in log.lines] == ["machine_told", "machine_told"]


def test_one_that_cannot_be_told_comes_again_and_stops_no_other() -> None:
    machines, log = Machines(lambda token: token == "token-no"), Log()
    assert tell_machines([YES, NO, LATER], machines, log) == "2"
    assert [told[0] for told in machines.told] == ["token-yes", "token-later"]
    assert log.lines[1][0] == "machine_not_told"


def test_no_line_of_the_log_has_a_token() -> None:
    for machines in (Machines(), Machines(lambda _: True)):
        log = Log()
        tell_machines([YES, NO, LATER], machines, log)
        assert not [token for _, token, *_ in (YES, NO, LATER) if token in str(log.lines)]
        assert len(log.lines) == 3
