"""What a state machine sees of an error: its name, and no detail."""

from uuid import UUID

import pytest

from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError
from stepcall.domain.run import RunStatus
from stepcall.runtime.worker import errors_for_the_machine
from stepcall.stores.run_store import RunHasEndedError
from stepcall.use_cases.finish_run import RunFailedError

SECRET = "sk-secret arn:aws:iam::123456789012:role/x"


@pytest.mark.parametrize("kind", [RetryableTaskError, PermanentTaskError])
def test_a_tasks_error_keeps_its_name_and_reason_and_loses_its_words(
    kind: type[RetryableTaskError] | type[PermanentTaskError],
) -> None:
    with pytest.raises(kind) as raised, errors_for_the_machine():
        raise kind(ErrorReason.BACKEND_ERROR, SECRET)
    assert raised.value.reason is ErrorReason.BACKEND_ERROR
    assert SECRET not in str(raised.value)
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("bug", [KeyError(SECRET), TimeoutError(SECRET), RecursionError(SECRET)])
def test_a_fault_of_ours_is_retried_and_says_nothing(bug: Exception) -> None:
    with pytest.raises(RetryableTaskError) as raised, errors_for_the_machine():
        raise bug
    assert raised.value.reason is ErrorReason.INTERNAL_ERROR
    assert SECRET not in str(raised.value)
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("error", [RunHasEndedError(UUID(int=1), RunStatus.CANCELLED), RunFailedError("why")])
def test_an_end_goes_through_and_is_not_retried(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, errors_for_the_machine():
        raise error
    assert raised.value is error
    assert not isinstance(error, RetryableTaskError)


def test_an_interpreter_that_is_stopped_is_not_held_up() -> None:
    with pytest.raises(SystemExit), errors_for_the_machine():
        raise SystemExit
