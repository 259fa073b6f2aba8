"""Start a run: what every face and every trigger comes down to."""

import pytest

from stepcall.domain.errors import ErrorReason, InvalidParametersError
from stepcall.domain.run import RunStatus
from stepcall.stores.payload_store import INLINE_LIMIT_BYTES
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.start_run import StartRun, start_run
from tests.sample_workflows import declare, transform, workflow
from tests.unit.run_world import CALLER, STRANGER, RunWorld

WITH_INPUT = workflow(transform("a", "{{input.n}}"), inputs=[declare("n", "integer"), declare("t", default="x")])


def test_a_run_is_pending_and_its_execution_carries_ids_only() -> None:
    world = RunWorld()
    run = world.start(WITH_INPUT, n=5)
    assert world.found(run).run == run
    assert (run.status, run.tenant, run.principal, run.created_at) == ("PENDING", "acme", "ci", world.clock.now())
    assert world.value(run.input) == {"n": 5, "t": "x"}
    compiled, execution_input = world.engine.started[run.run_id]
    assert execution_input == {
        "run_id": str(run.run_id),
        "workflow_id": str(run.workflow_id),
        "workflow_version": 1,
    }
    assert compiled.content_hash


def test_parameters_that_do_not_fit_start_nothing() -> None:
    world = RunWorld()
    with pytest.raises(InvalidParametersError):
        world.start(WITH_INPUT, n="5", other=1)
    assert world.engine.started == {}
    assert vars(world.runs)["_runs"] == {}


def test_a_parameter_that_json_cannot_say_is_refused_as_a_parameter() -> None:
    world = RunWorld()
    with pytest.raises(InvalidParametersError) as raised:
        world.start(workflow(inputs=[declare("x", "object")]), x={"deep": float("inf")})
    assert [problem.code for problem in raised.value.problems] == ["not_json"]
    assert vars(world.runs)["_runs"] == {}


def test_another_tenants_workflow_is_not_found() -> None:
    world = RunWorld()
    version = world.define(workflow())
    with pytest.raises(WorkflowNotFoundError):
        start_run(StartRun(version.workflow_id, {}), STRANGER, world.deps)
    with pytest.raises(WorkflowNotFoundError):
        start_run(StartRun(world.deps.new_id(), {}), CALLER, world.deps)


def test_a_large_input_goes_to_the_bucket() -> None:
    world = RunWorld()
    text = "x" * INLINE_LIMIT_BYTES
    run = world.start(workflow(inputs=[declare("t")]), t=text)
    assert run.input.key
    assert world.value(run.input) == {"t": text}


def test_a_run_that_step_functions_did_not_take_is_failed_and_the_caller_told_to_try_again() -> None:
    world = RunWorld()
    world.engine.is_down = True
    with pytest.raises(EngineUnavailableError):
        world.start(workflow())
    [found] = vars(world.runs)["_runs"].values()
    assert found.run.status is RunStatus.FAILED
    assert (found.run.error.reason, found.run.error.location) == (ErrorReason.BACKEND_ERROR, "query")
    assert "Throttling" not in found.run.error.message


def test_a_run_that_was_taken_although_the_answer_was_lost_is_a_run_that_started() -> None:
    for finish in (True, False):
        world = RunWorld()
        world.engine.is_down = True

        def take_it_after_all(world: RunWorld = world, finish: bool = finish) -> None:
            [found] = vars(world.runs)["_runs"].values()
            world.do_task(found.run, "only")
            if finish:
                world.finish(found.run)

        world.engine.on_start = take_it_after_all
        run = world.start(workflow())
        ended = world.runs.get_for_end(run.run_id).run.status
        assert ended is (RunStatus.COMPLETED if finish else RunStatus.RUNNING)


def test_the_run_is_stored_before_its_execution_starts() -> None:
    world, seen = RunWorld(), list[int]()
    world.engine.on_start = lambda: seen.append(len(vars(world.runs)["_runs"]))
    world.start(workflow())
    assert seen == [1]
