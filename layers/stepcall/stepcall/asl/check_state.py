"""What one state says of itself: its fields, who handles its errors, its payload templates, paths and times."""

from collections.abc import Iterator, Mapping
from typing import Any

from stepcall.asl.states import ALL_ERRORS

MAX_SECONDS = 99_999_999
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
ALLOWED = {kind: fields | FIELDS_OF_EVERY_STATE for kind, fields in FIELDS.items()}
REQUIRED: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(FIELDS, frozenset[str]()),
    "Task": frozenset({"Resource"}),
    "Choice": frozenset({"Choices", "Default"}),  # without a Default an input that fits nothing ends the machine
    "Parallel": frozenset({"Branches"}),
    "Map": frozenset({"ItemProcessor"}),
}
FIELDS_OF_RULE: Mapping[str, frozenset[str]] = {
    "Retry": frozenset(
        {"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment"}
    ),
    "Catch": frozenset({"ErrorEquals", "ResultPath", "Next", "Comment"}),
}
ENDING = frozenset({"Succeed", "Fail", "Choice"})
WAITS = frozenset({"Seconds", "Timestamp", "SecondsPath", "TimestampPath"})
ARRAYS = ("Branches", "Catch", "Choices", "Retry")
PAYLOADS = frozenset({"Parameters", "ResultSelector", "ItemSelector"})
PATHS_OR_INTRINSICS = frozenset({"ErrorPath", "CausePath"})
PATH_OR_NULL = frozenset({"InputPath", "OutputPath", "ResultPath"})
PATHS = frozenset(field for fields in FIELDS.values() for field in fields if field.endswith("Path")) | PATH_OR_NULL
TIMES = frozenset({"TimeoutSeconds", "HeartbeatSeconds", "Seconds"})
NUMBERS = frozenset({int, float})  # not bool


def rules_of(state: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    """The elements of `Retry`, `Catch` or `Choices` that can be read."""
    value = state.get(field)
    return [rule for rule in value if isinstance(rule, dict)] if isinstance(value, list) else []


def check_state(state: Mapping[str, Any], checked_rules: set[int]) -> Iterator[str]:
    """Every fault of one state, where it leads apart. `checked_rules` are ids of lists that other states share."""
    kind = state.get("Type")
    if not isinstance(kind, str) or kind not in FIELDS:
        yield f"there is no state of Type {kind!r}"
        return
    yield from _check_fields(kind, state)
    for field in FIELDS_OF_RULE.keys() & state.keys():
        if id(state[field]) not in checked_rules:
            checked_rules.add(id(state[field]))
            yield from _check_error_handlers(field, rules_of(state, field))
    for index, rule in enumerate(rules_of(state, "Choices")):
        yield from _check_choice(f"Choices[{index}]", rule)
    for field in PAYLOADS & state.keys():
        yield from _check_payload(field, state[field])
    yield from _check_paths(state)
    yield from _check_times(state)
    if kind == "Map":
        from stepcall.asl.check_map import check_map  # noqa: PLC0415 - few machines have one

        yield from check_map(state)


def _check_fields(kind: str, state: Mapping[str, Any]) -> Iterator[str]:
    for field in sorted(state.keys() - ALLOWED[kind]):
        yield f"a {kind} state has no field {field}"
    for field in sorted(REQUIRED[kind] - state.keys()):
        yield f"a {kind} state needs {field}"
    if kind not in ENDING and ("Next" in state) == (state.get("End") is True):
        yield "a state has either Next or End"
    if kind == "Wait" and len(WAITS & state.keys()) != 1:
        yield f"a Wait state has one of {', '.join(sorted(WAITS))}"
    for field in ARRAYS:
        if field not in state:
            continue
        value = state[field]
        if not isinstance(value, list) or not value or not all(isinstance(element, dict) for element in value):
            yield f"{field} is an array of objects, and not empty"


def _check_error_handlers(field: str, handlers: list[Mapping[str, Any]]) -> Iterator[str]:
    for index, handler in enumerate(handlers):
        place, errors = f"{field}[{index}]", handler.get("ErrorEquals")
        if not handler.keys() <= FIELDS_OF_RULE[field]:
            yield f"{place} has only the fields {', '.join(sorted(FIELDS_OF_RULE[field]))}"
        if not isinstance(errors, list) or not errors:
            yield f"{place} names no error"
        elif ALL_ERRORS in errors and (len(errors) > 1 or index + 1 < len(handlers)):
            yield f"{place}: States.ALL stands alone and last"
        if field == "Retry" and not _is_retrier_in_bounds(handler):
            yield (
                f"{place}: IntervalSeconds ≥ 1, MaxAttempts ≥ 0, BackoffRate ≥ 1.0, MaxDelaySeconds > IntervalSeconds, "
                "JitterStrategy FULL or NONE"
            )


def _is_retrier_in_bounds(retrier: Mapping[str, Any]) -> bool:
    interval, longest = retrier.get("IntervalSeconds", 1), retrier.get("MaxDelaySeconds", 31_622_400)
    return (
        _is_between(1, interval, MAX_SECONDS)
        and _is_between(0, retrier.get("MaxAttempts", 3), MAX_SECONDS)
        and _is_between(1, retrier.get("BackoffRate", 2.0), float("inf"))
        and _is_between(interval + 1, longest, 31_622_400)
        and retrier.get("JitterStrategy", "NONE") in {"FULL", "NONE"}
    )


def _is_between(least: float, value: Any, most: float) -> bool:
    return type(value) in NUMBERS and least <= value <= most


def _check_choice(place: str, rule: Mapping[str, Any], *, is_inner: bool = False) -> Iterator[str]:
    operators = sorted(rule.keys() - {"Variable", "Next", "Comment"})
    if len(operators) != 1 or ("Variable" in rule) == (operators[0] in {"And", "Or", "Not"}):
        yield f"{place} has a Variable and one comparison, or And, Or or Not"
        return
    if is_inner and "Next" in rule:
        yield f"{place}: only the outermost rule has Next"
    if "Variable" in rule:
        return
    operands = [rule["Not"]] if "Not" in rule else rule[operators[0]]
    for operand in operands:
        yield from _check_choice(f"{place}.{operators[0]}", operand, is_inner=True)


def _check_payload(place: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, member in value.items():
            if key.endswith(".$") and not _is_path_or_intrinsic(member):
                yield f"{place}.{key}: a field that ends in .$ holds a path such as $.run_id"
            elif isinstance(member, dict | list):
                yield from _check_payload(f"{place}.{key}", member)
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _check_payload(f"{place}[{index}]", element)


def _is_path_or_intrinsic(value: Any) -> bool:
    # escapes inside intrinsics are read differently by different interpreters
    return _is_path(value) or (isinstance(value, str) and value.startswith("States.") and "\\" not in value)


def _check_paths(state: Mapping[str, Any]) -> Iterator[str]:
    for holder in (state, *rules_of(state, "Catch")):
        for field in sorted(holder.keys() & PATHS):
            value = holder[field]
            if field in PATHS_OR_INTRINSICS and _is_path_or_intrinsic(value):
                continue
            if not _is_path(value) and (value is not None or field not in PATH_OR_NULL):
                yield f"{field}: {value!r} is no path such as $.error"


def _is_path(value: Any) -> bool:
    return (isinstance(value, str) and value.startswith(("$.", "$$.", "$[", "$$["))) or value in ("$", "$$")


def _check_times(state: Mapping[str, Any]) -> Iterator[str]:
    for field in sorted(TIMES & state.keys()):
        if not _is_between(0 if field == "Seconds" else 1, state[field], MAX_SECONDS):
            yield f"{field} is 1 to {MAX_SECONDS}"
        if f"{field}Path" in state:
            yield f"{field} and {field}Path exclude each other"
    timeout, heartbeat = state.get("TimeoutSeconds"), state.get("HeartbeatSeconds")
    if _is_between(1, timeout, MAX_SECONDS) and _is_between(timeout or 0, heartbeat, MAX_SECONDS):
        yield "HeartbeatSeconds is less than TimeoutSeconds"
    percentage = state.get("ToleratedFailurePercentage", 0.0)
    if not isinstance(percentage, float) or not 0 <= percentage <= 100:
        yield "ToleratedFailurePercentage is 0.0 to 100.0, with the point: some interpreters take no integer"
