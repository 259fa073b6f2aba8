"""Last stage: what Step Functions would refuse, and what it accepts although it must fail later.

moto, cfn-lint and asl-validator each miss some of these, so the check is ours. It takes any machine written in
JSONPath, compiled or written by hand: here its names and ways, in `check_state` what is said of each state. A fault is
a bug of whoever wrote the machine; what a workflow's author can mend is in `check_limits`.
Sources: https://states-language.net/spec.html and Step Functions' quotas page.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from stepcall.asl.check_state import check_state, rules_of
from stepcall.domain.errors import StepcallError

MAX_NAME_LENGTH = 80
FIELDS_OF_MACHINE = frozenset({"Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"})
FIELDS_OF_BRANCH = frozenset({"Comment", "StartAt", "States", "QueryLanguage"})
FIELDS_OF_PROCESSOR = FIELDS_OF_BRANCH | {"ProcessorConfig"}
PROCESSOR = "ItemProcessor"


class InvalidStateMachineError(StepcallError):
    """A state machine that Step Functions could not run to its end; `faults` says what and where."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("The state machine is not valid: " + "; ".join(faults))
        self.faults = faults


def check_state_machine(machine: Mapping[str, Any]) -> None:
    """Raises InvalidStateMachineError with every fault of a machine."""
    faults = [*_check_names(machine), *_check_machine(machine, "")]
    if faults:
        raise InvalidStateMachineError(faults)


def _check_names(machine: Mapping[str, Any]) -> Iterator[str]:
    seen: set[str] = set()
    for name, _ in _states(machine):
        if not 0 < len(name) <= MAX_NAME_LENGTH:
            yield f"{name!r}: a state's name has 1 to {MAX_NAME_LENGTH} characters"
        if name in seen:
            yield f"{name!r}: two states of the machine bear this name"
        seen.add(name)
    labels = Counter(str(state["Label"]) for _, state in _states(machine) if "Label" in state)
    yield from (f"Label {label!r}: two Maps of the machine bear it" for label, count in labels.items() if count > 1)


def _states(machine: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """With their names, and those inside others."""
    for name, state in machine.get("States", {}).items():
        yield name, state
        for _, inner in _inner_machines(state):
            yield from _states(inner)


def _inner_machines(state: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from ((f"Branches[{index}]", branch) for index, branch in enumerate(state.get("Branches", [])))
    if isinstance(processor := state.get(PROCESSOR), dict):
        yield PROCESSOR, processor


def _check_machine(machine: Mapping[str, Any], place: str) -> Iterator[str]:
    states: Mapping[str, Mapping[str, Any]] = machine.get("States") or {}
    where = f"{place}: " if place else ""
    for field in sorted(machine.keys() - _fields_of(place)):
        yield f"{where}there is no field {field} here"
    targets = {name: _targets(state) for name, state in states.items()}
    checked_rules = set[int]()
    if not states:
        yield f"{where}there are no states"
        return
    if machine.get("StartAt") not in states:
        yield f"{where}StartAt names no state: {machine.get('StartAt')!r}"
    for name, state in states.items():
        state_place = f"{place}/{name}" if place else name
        yield from (f"{state_place}: {fault}" for fault in check_state(state, checked_rules))
        for target in targets[name]:
            if target not in states:
                yield f"{state_place}: leads to {target!r}, which is no state here"
        for inner_name, inner in _inner_machines(state):
            yield from _check_machine(inner, f"{state_place}/{inner_name}")
    for name in sorted(states.keys() - _reachable(machine.get("StartAt"), targets)):
        yield f"{where}{name}: no way leads to this state"


def _fields_of(place: str) -> frozenset[str]:
    if place.endswith(f"/{PROCESSOR}"):
        return FIELDS_OF_PROCESSOR
    return FIELDS_OF_BRANCH if place else FIELDS_OF_MACHINE


def _targets(state: Mapping[str, Any]) -> set[Any]:
    direct = {state[field] for field in ("Next", "Default") if field in state}
    return direct.union(rule.get("Next") for field in ("Catch", "Choices") for rule in rules_of(state, field))


def _reachable(start: Any, targets: Mapping[str, set[Any]]) -> set[Any]:
    reached: set[Any] = set()
    ahead = {start}
    while ahead := ahead - reached:
        reached |= ahead
        ahead = {target for name in ahead for target in targets.get(name, ())}
    return reached
