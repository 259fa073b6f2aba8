"""Stages and run modes: what goes together, what each mode runs, and how a run in part ends."""

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepcall.asl.check import check_state_machine
from stepcall.asl.compiler import FAIL_STATE, FAILED_STATE, FINISH_STATE, compile_workflow
from stepcall.asl.graph import EmptyRunModeError
from stepcall.domain.check import check_definition
from stepcall.domain.errors import InvalidDefinitionError, Problem
from stepcall.domain.run import Run, RunStatus, StoredPayload, TaskStatus, TimeRange
from stepcall.domain.run_mode import RunMode
from stepcall.stores.memory_payload_store import MemoryPayloadStore
from stepcall.tasks.catalog import CATALOG
from stepcall.use_cases.cancel_run import cancel_run
from stepcall.use_cases.finish_run import RunFailedError
from stepcall.use_cases.read_run import read_run
from stepcall.use_cases.start_run import StartRun, start_run
from tests.clock import Clock
from tests.sample_workflows import Document, checked, declare, give, transform, workflow
from tests.unit.run_world import CALLER, RunWorld
from tests.unit.valid_workflows import STAGES, WIDE_CATALOG, ValidWorkflow, valid_workflows
from tools.compile_workflow import placeholder_arns

QUIET = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
# what each mode runs, as the contract says it, not as the code does
EARLIER = re.compile(r"Give `(?P<ref>\w+)` the stage `(?P<stage>\w+)`")
LATER = re.compile(r"or this task (the stage `(?P<stage>\w+)`|none)")
RUNS: dict[str, set[str | None]] = {"source": {"source"}, "refresh": {"source", "refresh"}, "full": {*STAGES}}
ENDS = [FINISH_STATE, FAIL_STATE, FAILED_STATE]


def staged(ref: str, stage: str | None, *needs: str) -> Document:
    task = transform(ref, [f"{{{{refs.{need}.output.result}}}}" for need in needs] or ref)
    return task | ({"stage": stage} if stage else {})


@st.composite
def graphs(draw: st.DrawFn) -> list[tuple[str | None, set[int]]]:
    """Tasks by their stage and the positions of those before them that they use."""
    number = draw(st.integers(1, 5))
    used = st.integers(0, number - 1)
    return [
        (draw(st.sampled_from(STAGES)), {each for each in draw(st.sets(used, max_size=2)) if each < index})
        for index in range(number)
    ]


def problems_of(document: Document) -> list[Problem]:
    try:
        check_definition(document, CATALOG)
    except InvalidDefinitionError as exc:
        return exc.problems
    return []


def document_of(graph: list[tuple[str | None, set[int]]]) -> Document:
    tasks = [staged(f"t{i}", stage, *(f"t{j}" for j in sorted(needs))) for i, (stage, needs) in enumerate(graph)]
    return workflow(*tasks)


def parted(graph: list[tuple[str | None, set[int]]]) -> set[str]:
    """Where a task stands that some mode runs without one that it uses."""
    return {
        f"/tasks/{index}/stage"
        for index, (stage, needs) in enumerate(graph)
        for taken in RUNS.values()
        if stage in taken and any(graph[need][0] not in taken for need in needs)
    }


@QUIET
@given(graphs())
def test_exactly_what_some_mode_could_never_run_is_refused(graph: list[tuple[str | None, set[int]]]) -> None:
    assert {(problem.location, problem.code) for problem in problems_of(document_of(graph))} == {
        (location, "stage_needs_later_stage") for location in parted(graph)
    }


@QUIET
@given(graphs())
def test_what_a_refusal_says_to_do_is_enough(graph: list[tuple[str | None, set[int]]]) -> None:
    """Again and again, either of the two ways."""
    for way in (EARLIER, LATER):
        document, changes = document_of(graph), 0
        while problems := problems_of(document):
            task = document["tasks"][int(problems[0].location.split("/")[2])]
            by_ref = {each["ref"]: each for each in document["tasks"]}
            found = way.search(problems[0].message)
            assert found
            changed = by_ref[found["ref"]] if way is EARLIER else task
            changed["stage"] = found["stage"]
            changes += 1
            assert changes <= 4 * len(graph)


@QUIET
@given(valid_workflows(is_staged=True))
def test_each_mode_compiles_to_a_machine_of_its_tasks_in_their_order(written: ValidWorkflow) -> None:
    definition = check_definition(written.document, WIDE_CATALOG).definition
    hashes: dict[tuple[str, ...], set[str]] = {}
    for mode in RunMode:
        refs = tuple(ref for ref, stage in written.stages.items() if stage in RUNS[mode])
        if not refs:
            with pytest.raises(EmptyRunModeError):
                compile_workflow(definition, WIDE_CATALOG, placeholder_arns(), mode=mode)
            continue
        compiled = compile_workflow(definition, WIDE_CATALOG, placeholder_arns(), mode=mode)
        machine = json.loads(compiled.definition)
        check_state_machine(machine)
        assert list(machine["States"]) == [*refs, *ENDS]
        assert (machine["StartAt"], compiled.transitions) == (refs[0], len(refs) + 1)
        hashes.setdefault(refs, set()).add(compiled.content_hash)
    assert all(len(found) == 1 for found in hashes.values())  # equal parts, equal machines
    assert len(set.union(*hashes.values())) == len(hashes)


@QUIET
@given(valid_workflows(is_staged=True))
def test_modes_without_a_task_are_warned_of_where_stages_are_used(written: ValidWorkflow) -> None:
    used = {*written.stages.values()}
    empty = [mode for mode, taken in RUNS.items() if not used & taken]
    told = [
        warning.message
        for warning in check_definition(written.document, WIDE_CATALOG).warnings
        if warning.code == "empty_run_mode"
    ]
    if used == {None} or not empty:
        assert told == []
    else:
        [message] = told
        assert [f"`{mode}`" in message for mode in RUNS] == [mode in empty for mode in RUNS]


def test_an_empty_mode_says_which_stages_it_would_run() -> None:
    definition = checked(workflow(staged("a", "activation")))
    with pytest.raises(EmptyRunModeError, match=r"`refresh` leaves nothing to run.*`source` or `refresh`"):
        compile_workflow(definition, CATALOG, placeholder_arns(), mode=RunMode.REFRESH)


def test_a_task_may_use_what_the_same_or_an_earlier_stage_gives() -> None:
    tasks = [staged("a", "source"), staged("b", "source", "a"), staged("c", "refresh", "a", "b")]
    document = workflow(*tasks, staged("d", "activation", "c"), staged("e", None, "d", "a"))
    assert check_definition(document, CATALOG).warnings == ()


def test_tables_of_queries_are_needed_like_any_output() -> None:
    tasks: list[Document] = [
        {"ref": "rows", "type": "Sql.Query", "stage": "refresh", "input": {"query": "SELECT 1 AS n"}},
        {
            "ref": "few",
            "type": "Sql.Query",
            "stage": "source",
            "input": {"query": "SELECT n FROM r", "sources": {"r": "{{refs.rows.output.table}}"}},
        },
        {"ref": "out", "type": "Workflow.Output", "stage": "source", "input": {"table": "{{refs.rows.output.table}}"}},
    ]
    with pytest.raises(InvalidDefinitionError) as refused:
        check_definition(workflow(*tasks), CATALOG)
    assert [(problem.location, problem.code) for problem in refused.value.problems] == [
        ("/tasks/1/stage", "stage_needs_later_stage"),
        ("/tasks/2/stage", "stage_needs_later_stage"),
    ]


def test_a_stage_that_cannot_be_read_hides_no_other_fault_and_makes_none() -> None:
    tasks = [staged("a", "late"), staged("b", "source", "a"), staged("c", "source", "d"), staged("d", "refresh")]
    with pytest.raises(InvalidDefinitionError) as refused:
        check_definition(workflow(*tasks), CATALOG)
    assert [(problem.location, problem.code) for problem in refused.value.problems] == [
        ("/tasks/0/stage", "unknown_value"),
        ("/tasks/2/input/data/0", "later_ref"),
        ("/tasks/2/stage", "stage_needs_later_stage"),
    ]


def test_of_tasks_of_one_name_the_first_ones_stage_counts_and_the_second_name_is_told() -> None:
    tasks = [staged("a", "source"), staged("a", "activation"), staged("b", "source", "a")]
    assert [problem.code for problem in problems_of(workflow(*tasks))] == ["duplicate_ref"]


def test_modes_are_not_called_empty_while_a_stage_cannot_be_read() -> None:
    with pytest.raises(InvalidDefinitionError) as refused:
        check_definition(workflow(staged("a", "late"), staged("b", "activation")), CATALOG)
    assert [warning.code for warning in refused.value.warnings] == []


@pytest.mark.parametrize("name", ["cg-42", "wf-42", "a", "9._-", "a" * 64])
def test_a_config_id_is_any_name_that_is_no_id(name: str) -> None:
    assert checked(workflow() | {"config_id": name}).config_id == name


@pytest.mark.parametrize(
    "name",
    [
        "wf-03h9x0v1mh2j8c5d7k4q6s8tz",
        "0199d3a4-7c11-7abc-8def-0123456789ab",
        "0199D3A4-7C11-7ABC-8DEF-0123456789AB",
        "-a",
        "",
        "a" * 65,
        "a b",
        5,
    ],
)
def test_a_config_id_that_reads_as_an_id_or_is_no_name_is_refused(name: Any) -> None:
    with pytest.raises(InvalidDefinitionError) as refused:
        check_definition(workflow() | {"config_id": name}, CATALOG)
    assert [problem.location for problem in refused.value.problems] == ["/config_id"]


@pytest.mark.parametrize("later", [False, True])
def test_what_a_workflow_says_of_itself_comes_out_as_it_went_in(later: bool) -> None:
    said = {"type": "courier.group/run", "config_id": "cg-1", "warn_after_ms": 3_600_000}
    first = workflow(staged("a", "source")) | said
    task = {"name": "a", "type": "Data.Transform", "stage": "refresh", "inputs": {"expression": "$", "data": 1}}
    document = {"title": "later", "tasks": [task]} | said if later else first
    definition = checked(document)
    assert definition.to_json() == document
    assert type(definition).from_json(document) == definition
    assert (definition.run_type, definition.config_id, definition.warn_after_ms) == tuple(said.values())
    assert checked(workflow()).run_type == "stepcall.workflow/run"


# ---- runs in part

PIPELINE = workflow(
    staged("pull", "source"),
    staged("load", "refresh", "pull"),
    staged("send", "activation", "load"),
    staged("report", None, "pull"),
    inputs=[declare("n", default="x")],
    outputs=[
        give("pulled", "{{refs.pull.output.result}}"),
        give("loaded", "{{refs.load.output.result}}", "array"),
        give("both", "{{refs.pull.output.result}} {{refs.report.output.result[0]}}"),
        give("plain", "{{input.n}}"),
    ],
)


def start(world: RunWorld, document: Document, mode: RunMode, time_range: TimeRange | None = None) -> Run:
    version = world.define(document)
    return start_run(StartRun(version.workflow_id, {}, run_mode=mode, time_range=time_range), CALLER, world.deps)


@pytest.mark.parametrize(
    ("mode", "ran", "output"),
    [
        (RunMode.SOURCE, ["pull"], {"pulled": "pull", "loaded": None, "both": None, "plain": "x"}),
        (RunMode.REFRESH, ["pull", "load"], {"pulled": "pull", "loaded": ["pull"], "both": None, "plain": "x"}),
        (
            RunMode.FULL,
            ["pull", "load", "send", "report"],
            {"pulled": "pull", "loaded": ["pull"], "both": "pull pull", "plain": "x"},
        ),
    ],
)
def test_a_run_in_part_completes_with_null_for_what_was_left_out(
    mode: RunMode, ran: list[str], output: dict[str, Any]
) -> None:
    world = RunWorld()
    run = start(world, PIPELINE, mode)
    compiled, _ = world.engine.started[run.run_id]
    assert list(json.loads(compiled.definition)["States"]) == [*ran, *ENDS]
    for ref in ran:
        world.do_task(run, ref)
    world.finish(run)
    view = read_run(run.run_id, CALLER, world.deps)
    assert (view.run.status, view.output and view.output.value) == (RunStatus.COMPLETED, output)
    assert {task.ref: task.status for task in view.tasks} == {
        ref: TaskStatus.COMPLETED if ref in ran else TaskStatus.SKIPPED for ref in ("pull", "load", "send", "report")
    }


class CountedPayloads(MemoryPayloadStore):
    """Knows which values were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[Any] = []

    def get(self, payload: StoredPayload, *, may_keep: bool = False) -> Any:
        self.got.append(super().get(payload, may_keep=may_keep))
        return self.got[-1]


def test_what_only_outputs_that_are_null_would_need_is_not_fetched() -> None:
    payloads = CountedPayloads()
    world = RunWorld(payloads=payloads)
    both = give("both", "{{refs.pull.output.result}} {{refs.report.output.result[0]}}")
    run = start(world, PIPELINE | {"output": [both, give("plain", "{{input.n}}")]}, RunMode.SOURCE)
    world.do_task(run, "pull")
    payloads.got.clear()
    world.finish(run)
    assert payloads.got == [{"n": "x"}]
    assert world.output(run) == {"both": None, "plain": "x"}


def test_what_is_left_out_of_the_later_generations_outputs_is_null_however_far_away() -> None:
    def task(name: str, stage: str) -> Document:
        return {"name": name, "type": "Data.Transform", "stage": stage, "inputs": {"expression": "$", "data": name}}

    values = {
        "kept": "{{tasks.pull.outputs.result}}",
        "lost": "{{tasks.load.outputs.result}}",
        "near": "{{outputs.lost}}!",
        "far": "{{outputs.near}} and {{outputs.kept}}",
        "after": "{{outputs.kept}}!",
    }
    outputs = [give(name, value) for name, value in values.items()]
    document = {"title": "x", "tasks": [task("pull", "source"), task("load", "refresh")], "outputs": outputs}
    world = RunWorld()
    run = start(world, document, RunMode.SOURCE)
    world.do_task(run, "pull")
    world.finish(run)
    assert world.output(run) == {"kept": "pull", "lost": None, "near": None, "far": None, "after": "pull!"}


@QUIET
@given(graphs(), st.sampled_from(RunMode), st.data())
def test_an_output_is_null_exactly_when_it_needs_what_was_left_out(
    graph: list[tuple[str | None, set[int]]], mode: RunMode, data: st.DataObject
) -> None:
    taken = {f"t{index}" for index, (stage, _) in enumerate(graph) if stage in RUNS[mode]}
    if parted(graph) or not taken:
        return
    used = data.draw(st.lists(st.sets(st.integers(0, len(graph) - 1), max_size=2), max_size=4))
    document = document_of(graph)
    document["output"] = [
        give(f"o{number}", [f"{{{{refs.t{index}.output.result}}}}" for index in sorted(refs)], "array")
        for number, refs in enumerate(used)
    ]
    world = RunWorld()
    run = start(world, document, mode)
    for task in document["tasks"]:
        if task["ref"] in taken:
            world.do_task(run, task["ref"])
    world.finish(run)
    is_null = {name: value is None for name, value in world.output(run).items()}
    assert is_null == {f"o{number}": not {f"t{i}" for i in refs} <= taken for number, refs in enumerate(used)}


@pytest.mark.parametrize("error", ["Lambda.ResourceNotFoundException", "States.Timeout"])
def test_a_task_that_was_left_out_is_never_blamed(error: str) -> None:
    document = workflow(staged("later", "activation"), staged("pull", "source"), staged("more", "source"))
    world = RunWorld()
    run = start(world, document, RunMode.SOURCE)
    world.do_task(run, "pull")
    world.finish(run, error=error)
    found = world.found(run)
    assert found.run.error
    assert found.run.error.location == "more"
    assert [task.status for task in read_run(run.run_id, CALLER, world.deps).tasks] == [
        TaskStatus.SKIPPED,
        TaskStatus.COMPLETED,
        TaskStatus.FAILED,
    ]


def test_a_run_in_part_whose_tasks_are_done_blames_none_when_its_end_is_not_written() -> None:
    world = RunWorld()
    run = start(world, PIPELINE, RunMode.SOURCE)
    world.do_task(run, "pull")
    world.finish(run, error="States.Timeout")
    error = world.found(run).run.error
    assert error
    assert error.location == "output"


def test_an_output_of_a_wrong_type_fails_a_run_in_part_too() -> None:
    document = workflow(
        staged("pull", "source"), staged("send", None), outputs=[give("n", "{{refs.pull.output.result}}", "integer")]
    )
    world = RunWorld()
    run = start(world, document, RunMode.SOURCE)
    world.do_task(run, "pull")
    with pytest.raises(RunFailedError):
        world.finish(run)
    assert world.status(run) is RunStatus.FAILED


def test_what_a_cancelled_run_in_part_left_out_stays_skipped() -> None:
    world = RunWorld()
    run = start(world, PIPELINE, RunMode.SOURCE)
    view = cancel_run(run.run_id, CALLER, world.deps, workflow_id=run.workflow_id)
    assert [task.status for task in view.tasks] == [TaskStatus.PENDING, *[TaskStatus.SKIPPED] * 3]


def test_a_mode_that_leaves_nothing_to_run_starts_nothing() -> None:
    world = RunWorld()
    with pytest.raises(EmptyRunModeError):
        start(world, workflow(staged("a", "activation")), RunMode.REFRESH)
    assert world.engine.started == {}


@pytest.mark.parametrize("has_range", [False, True])
def test_tasks_and_outputs_read_the_time_that_a_run_is_about(has_range: bool) -> None:
    document = workflow(
        transform("a", ["{{run.range_from}}", "{{run.range_to}}", "since {{run.range_from}}"]),
        outputs=[give("until", "{{run.range_to}}")],
    )
    start_of_day = Clock().now().replace(hour=0, minute=0, second=0, microsecond=0)
    time_range = TimeRange(start_of_day, start_of_day.replace(hour=6)) if has_range else None
    world = RunWorld()
    run = start(world, document, RunMode.FULL, time_range)
    world.do_task(run, "a")
    world.finish(run)
    day = f"{start_of_day:%Y-%m-%d}"
    first, last = (f"{day}T00:00:00.000Z", f"{day}T06:00:00.000Z") if has_range else (None, None)
    assert world.result(run, "a") == [first, last, f"since {first or 'null'}"]
    assert world.output(run) == {"until": last}
