"""Last stage: what Step Functions would refuse, and what it accepts although it must fail later.

moto, cfn-lint and asl-validator each miss some of these, so the check is ours. It takes any machine written in
JSONPath, compiled or written by hand. Sources: https://states-language.net/spec.html and Step Functions' quotas page.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from stepcall.domain.errors import StepcallError

MAX_NAME_LENGTH = 80
MAX_DEFINITION_BYTES = 1_048_576
ALL_ERRORS = "States.ALL"
FIELDS_OF_EVERY_STATE = frozenset({"Type", "Comment", "InputPath", "OutputPath"})
ON_FAILURE = frozenset({"Retry", "Catch"})
RESULT = frozenset({"Parameters", "ResultSelector", "ResultPath"})
FLOW = frozenset({"Next", "End"})
FIELDS: Mapping[str, frozenset[str]] = {
    "Task": FLOW
    | ON_FAILURE
    | RESULT
    | {"Resource", "TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath", "Credentials"},
    "Pass": FLOW | {"Result", "ResultPath", "Parameters"},
    "Choice": frozenset({"Choices", "Default"}),
    "Wait": FLOW | {"Seconds", "Timestamp", "SecondsPath", "TimestampPath"},
    "Succeed": frozenset(),
    "Fail": frozenset({"Error", "Cause", "ErrorPath", "CausePath"}),
    "Parallel": FLOW | ON_FAILURE | RESULT | {"Branches"},
    "Map": FLOW
    | ON_FAILURE
    | RESULT
    | {
        "ItemProcessor", "ItemsPath", "ItemSelector", "ItemReader", "ItemBatcher", "ResultWriter", "MaxConcurrency",
        "MaxConcurrencyPath", "Label", "ToleratedFailureCount", "ToleratedFailureCountPath",
        "ToleratedFailurePercentage", "ToleratedFailurePercentagePath",
    },
}  # fmt: skip
REQUIRED: Mapping[str, frozenset[str]] = {
    "Task": frozenset({"Resource"}),
    "Choice": frozenset({"Choices", "Default"}),  # without a Default an input that fits nothing ends the machine
    "Parallel": frozenset({"Branches"}),
    "Map": frozenset({"ItemProcessor"}),
}
ENDING = frozenset({"Succeed", "Fail", "Choice"})


class InvalidStateMachineError(StepcallError):
    """A state machine that Step Functions could not run to its end; `faults` says what and where."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("The state machine is not valid: " + "; ".join(faults))
        self.faults = faults


def check_state_machine(machine: Mapping[str, Any], definition_bytes: int) -> None:
    """Raises InvalidStateMachineError with every fault of a machine in Amazon States Language."""
    faults = [*_check_size(definition_bytes), *_check_names(machine), *_check_machine(machine, "")]
    if faults:
        raise InvalidStateMachineError(faults)


def _check_size(definition_bytes: int) -> Iterator[str]:
    if definition_bytes > MAX_DEFINITION_BYTES:
        yield f"the definition has {definition_bytes} bytes; Step Functions takes {MAX_DEFINITION_BYTES}"


def _check_names(machine: Mapping[str, Any]) -> Iterator[str]:
    seen: set[str] = set()
    for name in _names(machine):
        if not 0 < len(name) <= MAX_NAME_LENGTH:
            yield f"{name!r}: a state's name has 1 to {MAX_NAME_LENGTH} characters"
        if name in seen:
            yield f"{name!r}: two states of the machine bear this name"
        seen.add(name)


def _names(machine: Mapping[str, Any]) -> Iterator[str]:
    for name, state in machine.get("States", {}).items():
        yield name
        for _, inner in _inner_machines(state):
            yield from _names(inner)


def _inner_machines(state: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from ((f"Branches[{index}]", branch) for index, branch in enumerate(state.get("Branches", [])))
    if "ItemProcessor" in state:
        yield "ItemProcessor", state["ItemProcessor"]


def _check_machine(machine: Mapping[str, Any], place: str) -> Iterator[str]:
    states: Mapping[str, Mapping[str, Any]] = machine.get("States") or {}
    where = f"{place}: " if place else ""
    if not states:
        yield f"{where}there are no states"
        return
    if machine.get("StartAt") not in states:
        yield f"{where}StartAt names no state: {machine.get('StartAt')!r}"
    for name, state in states.items():
        state_place = f"{place}/{name}" if place else name
        yield from (f"{state_place}: {fault}" for fault in _check_state(state, states))
        for inner_name, inner in _inner_machines(state):
            yield from _check_machine(inner, f"{state_place}/{inner_name}")
    for name in sorted(states.keys() - _reachable(machine.get("StartAt"), states)):
        yield f"{where}{name}: no way leads to this state"


def _check_state(state: Mapping[str, Any], states: Mapping[str, Any]) -> Iterator[str]:
    kind = state.get("Type")
    if not isinstance(kind, str) or kind not in FIELDS:
        yield f"there is no state of Type {kind!r}"
        return
    for field in sorted(state.keys() - FIELDS[kind] - FIELDS_OF_EVERY_STATE):
        yield f"a {kind} state has no field {field}"
    for field in sorted(REQUIRED.get(kind, frozenset()) - state.keys()):
        yield f"a {kind} state needs {field}"
    if kind not in ENDING and ("Next" in state) == (state.get("End") is True):
        yield "a state has either Next or End"
    for target in _targets(state):
        if target not in states:
            yield f"leads to {target!r}, which is no state here"
    for field in ("Retry", "Catch"):
        yield from _check_error_handlers(field, state.get(field, []))
    for field in ("Parameters", "ResultSelector", "ItemSelector"):
        yield from _check_payload(field, state.get(field))
    yield from _check_seconds(state)


def _targets(state: Mapping[str, Any]) -> Iterator[Any]:
    yield from (state[field] for field in ("Next", "Default") if field in state)
    for rule in (*state.get("Catch", []), *state.get("Choices", [])):
        yield rule.get("Next")


def _reachable(start: Any, states: Mapping[str, Mapping[str, Any]]) -> set[str]:
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name in states and name not in reached:
            reached.add(name)
            ahead.extend(_targets(states[name]))
    return reached


def _check_error_handlers(field: str, handlers: list[Mapping[str, Any]]) -> Iterator[str]:
    for index, handler in enumerate(handlers):
        errors = handler.get("ErrorEquals")
        if not errors:
            yield f"{field}[{index}] names no error"
        elif ALL_ERRORS in errors and (len(errors) > 1 or index + 1 < len(handlers)):
            yield f"{field}[{index}]: States.ALL stands alone and last"
        if field == "Retry" and not _is_retrier_in_bounds(handler):
            yield f"{field}[{index}]: IntervalSeconds ≥ 1, MaxAttempts ≥ 0, BackoffRate ≥ 1.0"


def _is_retrier_in_bounds(retrier: Mapping[str, Any]) -> bool:
    return bool(
        retrier.get("IntervalSeconds", 1) >= 1
        and 0 <= retrier.get("MaxAttempts", 3) <= 99_999_999
        and retrier.get("BackoffRate", 2.0) >= 1.0
    )


def _check_payload(place: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, member in value.items():
            if key.endswith(".$") and not _is_path_or_intrinsic(member):
                yield f"{place}.{key}: a field that ends in .$ holds a path such as $.run_id"
            yield from _check_payload(f"{place}.{key}", member)
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _check_payload(f"{place}[{index}]", element)


def _is_path_or_intrinsic(value: Any) -> bool:
    # escapes inside intrinsics are read differently by different interpreters
    return isinstance(value, str) and value.startswith(("$", "States.")) and "\\" not in value


def _check_seconds(state: Mapping[str, Any]) -> Iterator[str]:
    timeout, heartbeat = state.get("TimeoutSeconds"), state.get("HeartbeatSeconds")
    for field, seconds in (("TimeoutSeconds", timeout), ("HeartbeatSeconds", heartbeat)):
        if seconds is not None and not 0 < seconds <= 99_999_999:
            yield f"{field} is 1 to 99999999"
    if timeout and heartbeat and heartbeat >= timeout:
        yield "HeartbeatSeconds is less than TimeoutSeconds"
