"""Every planted fault is found, and machines that are right pass."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepcall.asl.check import InvalidStateMachineError, check_state_machine
from stepcall.asl.check_limits import find_size_problems

Machine = dict[str, Any]
HAND_WRITTEN = sorted((Path(__file__).parents[2] / "statemachine").glob("*.asl.json"))


def retry(**more: Any) -> Machine:
    return {"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 2, "MaxAttempts": 3, "BackoffRate": 2.0, **more}


def big_machine() -> Machine:
    """Every kind of state and most of what can be said of one, as a careful author would write it by hand."""
    machine: Machine = json.loads((Path(__file__).parent / "orders_by_hand.asl.json").read_text())
    return machine


def faults_of(machine: Machine) -> list[str]:
    try:
        check_state_machine(machine)
    except InvalidStateMachineError as refusal:
        return refusal.faults
    return []


def test_a_large_machine_that_is_right_passes() -> None:
    assert faults_of(big_machine()) == []


def test_the_hand_written_machines_are_right() -> None:
    faults = {path.name: faults_of(json.loads(path.read_text())) for path in HAND_WRITTEN}
    assert [fault for found in faults.values() for fault in found] == [], faults
    assert [problem for path in HAND_WRITTEN for problem in find_size_problems(path.read_text())] == []


def plant(*path: str | int, **fields: Any) -> Callable[[Machine], None]:
    """Set fields of the object at that path; `...` takes one out."""

    def change(machine: Machine) -> None:
        place: Any = machine
        for step in path:
            place = place[step]
        for name, value in fields.items():
            if value is ...:
                del place[name]
            else:
                place[name] = value

    return change


ONE = ("States", "Each", "ItemProcessor", "States", "Do one")
EACH = ("States", "Each", "ItemProcessor")
CONFIG = (*EACH, "ProcessorConfig")
FORBIDDEN_IN_LABELS = '/ :?*[]{}<>"#%\\^|~`$&,;\t\n\x00\x7f\x9f'


def distributed(**fields: Any) -> Callable[[Machine], None]:
    """The items have executions of their own, with that of the Map or its config changed."""
    config = {"Mode": "DISTRIBUTED", "ExecutionType": fields.pop("ExecutionType", "STANDARD")}

    def change(machine: Machine) -> None:
        plant(*EACH, ProcessorConfig=config)(machine)
        plant("States", "Each", **fields)(machine)

    return change


PLANTED: list[tuple[str, Callable[[Machine], None], str]] = [
    ("no StartAt", plant(StartAt=...), "StartAt names no state: None"),
    ("StartAt leads nowhere", plant(StartAt="prepare"), "StartAt names no state: 'prepare'"),
    ("no states", plant(States={}), "there are no states"),
    ("States is missing", plant(States=...), "there are no states"),
    ("a misspelled field of the machine", plant(Timeout=5), "there is no field Timeout here"),
    (
        "Next leads nowhere",
        plant("States", "Prepare", Next="Whihc"),
        "Prepare: leads to 'Whihc', which is no state here",
    ),
    ("Default leads nowhere", plant("States", "Which", Default="Refused"), "Which: leads to 'Refused'"),
    ("a Catch leads nowhere", plant(*ONE, "Catch", 0, Next="Gone"), "Each/ItemProcessor/Do one: leads to 'Gone'"),
    ("a Choice leads nowhere", plant("States", "Which", "Choices", 0, Next="Eahc"), "Which: leads to 'Eahc'"),
    ("a Choice without Next", plant("States", "Which", "Choices", 0, Next=...), "Which: leads to None"),
    ("a way out of a branch", plant(*ONE, End=..., Next="Done"), "Do one: leads to 'Done', which is no state here"),
    ("a state nothing leads to", plant("States", Lost={"Type": "Succeed"}), "Lost: no way leads to this state"),
    (
        "an inner state nothing leads to",
        plant("States", "Both", "Branches", 0, "States", Lost={"Type": "Succeed"}),
        "Both/Branches[0]: Lost: no way leads to this state",
    ),
    (
        "an inner StartAt leads nowhere",
        plant("States", "Both", "Branches", 1, StartAt="x"),
        "Both/Branches[1]: StartAt",
    ),
    (
        "a branch without states",
        plant("States", "Both", "Branches", 1, States={}),
        "Both/Branches[1]: there are no states",
    ),
    ("a name used twice", plant("States", "Both", "Branches", 0, "States", Done={"Type": "Succeed"}), "two states"),
    ("a name of 81 characters", plant("States", **{"n" * 81: {"Type": "Succeed"}}), "1 to 80 characters"),
    ("an empty name", plant("States", **{"": {"Type": "Succeed"}}), "1 to 80 characters"),
    ("Next and End", plant("States", "Prepare", End=True), "Prepare: a state has either Next or End"),
    ("neither Next nor End", plant("States", "Prepare", Next=...), "Prepare: a state has either Next or End"),
    ("End that is false", plant(*ONE, End=False), "Do one: a state has either Next or End"),
    ("a Next of a Choice", plant("States", "Which", Next="Done"), "Which: a Choice state has no field Next"),
    ("a Next of a Succeed", plant("States", "Done", Next="Refuse"), "Done: a Succeed state has no field Next"),
    ("no Type", plant("States", "Done", Type=...), "Done: there is no state of Type None"),
    ("a Type that is none", plant("States", "Done", Type="Success"), "Done: there is no state of Type 'Success'"),
    ("a Type that is no text", plant("States", "Done", Type=["Succeed"]), "Done: there is no state of Type"),
    ("a misspelled field", plant(*ONE, Timeout=5), "Do one: a Task state has no field Timeout"),
    ("a Retry of a Pass", plant("States", "Prepare", Retry=[retry()]), "Prepare: a Pass state has no field Retry"),
    ("JSONata's Arguments", plant(*ONE, Arguments={}), "Do one: a Task state has no field Arguments"),
    ("no Resource", plant(*ONE, Resource=...), "Do one: a Task state needs Resource"),
    ("no Default", plant("States", "Which", Default=...), "Which: a Choice state needs Default"),
    ("no Branches", plant("States", "Both", Branches=...), "Both: a Parallel state needs Branches"),
    ("no ItemProcessor", plant("States", "Each", ItemProcessor=...), "Each: a Map state needs ItemProcessor"),
    ("empty Branches", plant("States", "Both", Branches=[]), "Both: Branches is an array of objects, and not empty"),
    ("empty Choices", plant("States", "Which", Choices=[]), "Which: Choices is an array of objects, and not empty"),
    ("a Retry that is no array", plant(*ONE, Retry=retry()), "Do one: Retry is an array of objects"),
    ("a Catch of text", plant(*ONE, Catch=["States.ALL"]), "Do one: Catch is an array of objects"),
    (
        "States.ALL before others",
        plant(*ONE, "Retry", 0, ErrorEquals=["States.ALL"]),
        "Retry[0]: States.ALL stands alone",
    ),
    (
        "States.ALL beside others",
        plant(*ONE, "Catch", 1, ErrorEquals=["A", "States.ALL"]),
        "Catch[1]: States.ALL stands",
    ),
    ("a handler of no errors", plant(*ONE, "Catch", 0, ErrorEquals=[]), "Catch[0] names no error"),
    ("a handler without errors", plant(*ONE, "Retry", 0, ErrorEquals=...), "Retry[0] names no error"),
    ("a handler of one text", plant(*ONE, "Catch", 0, ErrorEquals="Refused"), "Catch[0] names no error"),
    ("a misspelled field of a Retry", plant(*ONE, "Retry", 0, MaxAttempt=3), "Retry[0] has only the fields"),
    ("a misspelled field of a Catch", plant(*ONE, "Catch", 0, OutputPath="$"), "Catch[0] has only the fields"),
    ("an interval of 0", plant(*ONE, "Retry", 0, IntervalSeconds=0), "Retry[0]: IntervalSeconds ≥ 1"),
    ("an interval as text", plant(*ONE, "Retry", 0, IntervalSeconds="2"), "Retry[0]: IntervalSeconds ≥ 1"),
    (
        "fewer attempts than none",
        plant(*ONE, "Retry", 0, MaxAttempts=-1),
        "Retry[0]: IntervalSeconds ≥ 1, MaxAttempts ≥ 0",
    ),
    ("a backoff below 1", plant(*ONE, "Retry", 0, BackoffRate=0.5), "BackoffRate ≥ 1.0"),
    ("a delay below the interval", plant(*ONE, "Retry", 0, MaxDelaySeconds=2), "MaxDelaySeconds > IntervalSeconds"),
    ("a jitter that is none", plant(*ONE, "Retry", 0, JitterStrategy="full"), "JitterStrategy FULL or NONE"),
    ("a path without .$", plant(*ONE, "Parameters", **{"ref.$": "fetch"}), "Parameters.ref.$: a field that ends in .$"),
    ("a path that is a number", plant(*ONE, "Parameters", **{"n.$": 5}), "Parameters.n.$: a field that ends in .$"),
    (
        "a path deep in a payload",
        plant("States", "Prepare", "Parameters", "all", 1, **{"a.$": "x"}),
        "Parameters.all[1].a.$",
    ),
    ("a path in a selector", plant("States", "Each", "ItemSelector", **{"a.$": "item"}), "ItemSelector.a.$"),
    ("a variable", plant(*ONE, "Parameters", **{"n.$": "$name"}), "Parameters.n.$: a field that ends in .$"),
    ("an escape in an intrinsic", plant(*ONE, "Parameters", **{"n.$": r"States.Format('it\'s')"}), "Parameters.n.$"),
    ("a ResultPath that is no path", plant("States", "Prepare", ResultPath="prepared"), "'prepared' is no path"),
    ("an ItemsPath that is null", plant("States", "Each", ItemsPath=None), "ItemsPath: None is no path"),
    ("a path of a Catch that is none", plant(*ONE, "Catch", 0, ResultPath="error"), "ResultPath: 'error' is no path"),
    ("a timeout of 0", plant(*ONE, TimeoutSeconds=0), "TimeoutSeconds is 1 to 99999999"),
    ("a timeout as text", plant(*ONE, TimeoutSeconds="60"), "TimeoutSeconds is 1 to 99999999"),
    ("a timeout that is true", plant(*ONE, TimeoutSeconds=True), "TimeoutSeconds is 1 to 99999999"),
    ("a timeout twice", plant(*ONE, TimeoutSecondsPath="$.t"), "TimeoutSeconds and TimeoutSecondsPath exclude"),
    ("a heartbeat as long as the timeout", plant(*ONE, HeartbeatSeconds=60), "HeartbeatSeconds is less than"),
    ("a wait for nothing", plant("States", "Wait a moment", Seconds=...), "Wait a moment: a Wait state has one of"),
    (
        "a wait for two things",
        plant("States", "Wait a moment", Timestamp="2030-01-01T00:00:00Z"),
        "a Wait state has one of",
    ),
    ("a negative wait", plant("States", "Wait a moment", Seconds=-1), "Seconds is 1 to"),
    ("an integer percentage", plant("States", "Each", ToleratedFailurePercentage=5), "with the point"),
    (
        "a rule without comparison",
        plant("States", "Which", "Choices", 0, StringEquals=...),
        "Choices[0] has a Variable and",
    ),
    ("a rule with two", plant("States", "Which", "Choices", 0, IsNull=True), "Choices[0] has a Variable and one"),
    (
        "a rule without Variable",
        plant("States", "Which", "Choices", 0, Variable=...),
        "Choices[0] has a Variable and one",
    ),
    (
        "an inner rule with Next",
        plant("States", "Which", "Choices", 1, "And", 0, Next="Done"),
        "Choices[1].And: only the outermost rule has Next",
    ),
    (
        "an inner rule without Variable",
        plant("States", "Which", "Choices", 1, "And", 1, "Not", Variable=...),
        "Choices[1].And.Not has a Variable and one",
    ),
    ("an ItemProcessor that is no object", plant("States", "Each", ItemProcessor=[]), "ItemProcessor is an object"),
    ("a config that is no object", plant(*EACH, ProcessorConfig="INLINE"), "ProcessorConfig is an object"),
    (
        "a config of a branch",
        plant("States", "Both", "Branches", 0, ProcessorConfig={}),
        "no field ProcessorConfig here",
    ),
    ("a misspelled field of the config", plant(*CONFIG, Type="STANDARD"), "ProcessorConfig has no field Type"),
    ("another mode", plant(*CONFIG, Mode="PARALLEL"), "ProcessorConfig.Mode is INLINE or DISTRIBUTED"),
    ("a mode that is no text", plant(*CONFIG, Mode=["INLINE"]), "ProcessorConfig.Mode is INLINE or DISTRIBUTED"),
    ("executions of inline items", plant(*CONFIG, ExecutionType="STANDARD"), "items that are done INLINE have no"),
    ("items of no execution type", plant(*CONFIG, Mode="DISTRIBUTED"), "ProcessorConfig.ExecutionType is STANDARD or"),
    ("another execution type", distributed(ExecutionType="FAST"), "ProcessorConfig.ExecutionType is STANDARD or"),
    ("a label of inline items", plant("States", "Each", Label="each"), "Label is of a Map whose Mode is DISTRIBUTED"),
    ("a reader of inline items", plant("States", "Each", ItemReader={}), "ItemReader is of a Map whose Mode is"),
    ("a label of 41 characters", distributed(Label="x" * 41), "Label has 1 to 40 characters"),
    ("an empty label", distributed(Label=""), "Label has 1 to 40 characters"),
    ("a label that is no text", distributed(Label=1), "Label has 1 to 40 characters"),
    *((f"a label with {char!r}", distributed(Label=f"a{char}b"), "Label has 1 to 40") for char in FORBIDDEN_IN_LABELS),
    ("a negative concurrency", plant("States", "Each", MaxConcurrency=-1), "MaxConcurrency is a natural number"),
    ("half an item at once", plant("States", "Each", MaxConcurrency=0.5), "MaxConcurrency is a natural number"),
    ("a concurrency that is true", plant("States", "Each", MaxConcurrency=True), "MaxConcurrency is a natural number"),
    ("a concurrency twice", plant("States", "Each", MaxConcurrencyPath="$.n"), "MaxConcurrency and MaxConcurrencyPath"),
    ("an ItemSelector that is a path", plant("States", "Each", ItemSelector="$.item"), "ItemSelector is an object"),
    ("an ItemSelector that says nothing", plant("States", "Each", ItemSelector=None), "ItemSelector is an object"),
    ("items by two templates", plant("States", "Each", Parameters={}), "ItemSelector and Parameters exclude"),
]


@pytest.mark.parametrize(("change", "fault"), [case[1:] for case in PLANTED], ids=[case[0] for case in PLANTED])
def test_a_planted_fault_is_found(change: Callable[[Machine], None], fault: str) -> None:
    machine = big_machine()
    change(machine)
    found = faults_of(machine)
    assert [text for text in found if fault in text], found


def test_all_faults_are_told_at_once() -> None:
    machine = big_machine()
    for _, change, _ in (PLANTED[4], PLANTED[8], PLANTED[11], PLANTED[60]):
        change(machine)
    assert len(faults_of(machine)) >= 4


@pytest.mark.parametrize("label", ["a", "each1", "x" * 40, "Zürich-Höngg_2.0"])
def test_a_map_whose_items_are_executions_passes_with_a_label_of_its_own(label: str) -> None:
    machine = big_machine()
    distributed(Label=label, MaxConcurrency=0)(machine)
    assert faults_of(machine) == []


def test_two_maps_do_not_bear_one_label_wherever_they_stand() -> None:
    machine = big_machine()
    distributed(Label="each1")(machine)
    again = json.loads(json.dumps(machine["States"]["Each"]).replace('"Do one"', '"Do another"'))
    again = json.loads(json.dumps(again).replace('"One ', '"Another one '))
    machine["States"]["Both"]["Branches"][0] = {"StartAt": "Again", "States": {"Again": again}}
    assert "Label 'each1': two Maps of the machine bear it" in faults_of(machine)
