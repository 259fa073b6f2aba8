"""Start a run: what every face and every trigger comes down to."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from stepcall.asl.graph import EmptyRunModeError
from stepcall.domain.access import Caller, Grants, NotGrantedError, RateLimit
from stepcall.domain.errors import ErrorReason, InvalidParametersError, Problem
from stepcall.domain.rate_limit import RateLimitedError
from stepcall.domain.run import Run, RunStatus, TimeRange
from stepcall.domain.run_mode import RunMode
from stepcall.domain.webhook_errors import WebhookRefusedError, WebhookSecretsUnavailableError
from stepcall.domain.workflow import WorkflowVersion
from stepcall.runtime.provider_keys import ProviderKeys
from stepcall.stores.payload_store import INLINE_LIMIT_BYTES
from stepcall.stores.rate_limit_store import BucketUnavailableError
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.dependencies import ProviderKeysUnavailableError
from stepcall.use_cases.start_run import StartRun, start_run
from tests.fixed_secret import FixedSecret
from tests.sample_workflows import declare, transform, workflow
from tests.unit.run_world import CALLER, STRANGER, RunWorld

LIMITED = replace(CALLER, key_id="key_one", rate_limit=RateLimit(per_second=10, burst=3))
CARRIED = {"run_id", "workflow_id", "workflow_version", "run_attempt", "content_hash", "tenant", "correlation_id"}
WITH_INPUT = workflow(transform("a", "{{input.n}}"), inputs=[declare("n", "integer"), declare("t", default="x")])


def test_a_run_is_pending_and_its_execution_carries_ids_only() -> None:
    world = RunWorld()
    run = world.start(WITH_INPUT, n=5)
    assert world.found(run).run == run
    assert (run.status, run.tenant, run.principal, run.created_at) == ("PENDING", "acme", "ci", world.clock.now())
    assert world.value(run.input) == {"n": 5, "t": "x"}
    compiled, execution_input = world.engine.started[run.run_id]
    assert execution_input == {
        "run": {
            "run_id": str(run.run_id),
            "run_attempt": 1,
            "content_hash": run.content_hash,
            "workflow_id": str(run.workflow_id),
            "workflow_version": 1,
            "tenant": "acme",
            "correlation_id": world.correlation_id,
        }
    }
    assert compiled.content_hash


def test_a_run_keeps_where_its_caller_wants_to_be_called_back() -> None:
    world = RunWorld()
    command = StartRun(world.define(workflow()).workflow_id, {}, webhook_url="https://example.com/")
    run = start_run(command, CALLER, world.deps)
    assert world.found(run).run.webhook_url == "https://example.com/"
    assert world.admitted_urls == ["https://example.com/"]
    assert world.start(workflow()).webhook_url is None
    assert world.admitted_urls == ["https://example.com/"]


@pytest.mark.parametrize(
    "error",
    [WebhookRefusedError(Problem("/webhook_url", "not_https", "No.")), WebhookSecretsUnavailableError("Not now.")],
)
def test_who_cannot_be_called_back_starts_nothing_and_leaves_nothing(error: Exception) -> None:
    def refuse(_url: str) -> None:
        raise error

    world = RunWorld()
    deps = replace(world.deps, admit_webhook_url=refuse)
    version = world.define(WITH_INPUT)
    large = {"n": 1, "t": "x" * INLINE_LIMIT_BYTES}
    with pytest.raises(type(error)):
        start_run(StartRun(version.workflow_id, large, webhook_url="http://example.com"), CALLER, deps)
    assert world.engine.started == {}
    assert world.runs.list_open(limit=10, after=None).runs == ()


@pytest.mark.parametrize("is_reachable", [True, False])
def test_who_sends_a_wrong_input_and_a_url_that_cannot_be_called_is_told_of_both(is_reachable: bool) -> None:
    world = RunWorld()
    fault = Problem("/webhook_url", "not_https", "No.")

    def refuse(_url: str) -> None:
        raise WebhookRefusedError(fault) if is_reachable else WebhookSecretsUnavailableError("Not now.")

    command = StartRun(world.define(WITH_INPUT).workflow_id, {"n": "one"}, webhook_url="http://example.com")
    with pytest.raises(InvalidParametersError) as raised:
        start_run(command, CALLER, replace(world.deps, admit_webhook_url=refuse))
    told = [problem for problem in raised.value.problems if not problem.location.startswith("/input")]
    assert told == ([fault] if is_reachable else [])
    assert len(raised.value.problems) > len(told)


ASKING = workflow({"ref": "s", "type": "OpenAI.Text.Summarize", "input": {"text": "A text."}})


def test_a_callers_key_is_stored_encrypted_for_a_workflow_that_asks_a_model() -> None:
    world = RunWorld()
    command = StartRun(world.define(ASKING).workflow_id, {}, provider_key="sk-caller")
    run = start_run(command, CALLER, world.deps)
    stored = world.found(run).run.provider_key
    assert stored
    assert b"sk-caller" not in stored
    assert ProviderKeys(FixedSecret()).decrypt(run.run_id, stored) == "sk-caller"
    assert world.engine.started[run.run_id][1]["run"].keys() == CARRIED
    assert "sk-caller" not in f"{command} {run} {world.logged}"


def test_a_callers_key_is_not_stored_where_nothing_would_use_it() -> None:
    world = RunWorld()
    for document, key in ((workflow(), "sk-caller"), (ASKING, None)):
        run = start_run(StartRun(world.define(document).workflow_id, {}, provider_key=key), CALLER, world.deps)
        assert world.found(run).run.provider_key is None


def test_a_callers_key_is_stored_for_the_run_modes_that_ask_a_model_and_for_no_others() -> None:
    world = RunWorld()
    [asking] = ASKING["tasks"]
    version = world.define(workflow(transform("pull") | {"stage": "source"}, asking | {"stage": "refresh"}))
    kept = {
        mode: start_run(
            StartRun(version.workflow_id, {}, run_mode=mode, provider_key="sk-caller"), CALLER, world.deps
        ).provider_key
        is not None
        for mode in RunMode
    }
    assert kept == {RunMode.SOURCE: False, RunMode.REFRESH: True, RunMode.FULL: True}


def test_a_callers_key_that_cannot_be_encrypted_starts_nothing() -> None:
    world = RunWorld()

    def refuse(run_id: UUID, key: str) -> bytes:
        raise ProviderKeysUnavailableError("Not now.")

    deps = replace(world.deps, encrypt_provider_key=refuse)
    with pytest.raises(ProviderKeysUnavailableError):
        start_run(StartRun(world.define(ASKING).workflow_id, {}, provider_key="sk-caller"), CALLER, deps)
    assert world.engine.started == {}
    assert vars(world.runs)["_runs"] == {}


def test_a_run_that_could_not_be_started_keeps_no_key() -> None:
    world = RunWorld()
    world.engine.fault = PermissionError("AccessDeniedException")
    with pytest.raises(PermissionError):
        start_run(StartRun(world.define(ASKING).workflow_id, {}, provider_key="sk-caller"), CALLER, world.deps)
    [found] = vars(world.runs)["_runs"].values()
    assert (found.run.status, found.run.provider_key) == (RunStatus.FAILED, None)


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


def test_a_run_that_step_functions_does_not_take_now_is_answered_as_any_other_and_waits() -> None:
    world = RunWorld()
    world.engine.is_down = True
    run = start_run(StartRun(world.define(ASKING).workflow_id, {}, provider_key="sk-caller"), CALLER, world.deps)
    assert world.found(run).run == run
    assert (run.status, run.completed_at, run.error) == (RunStatus.PENDING, None, None)
    assert run.provider_key, "it is needed when the run starts"
    [(event, facts)] = [logged for logged in world.logged if logged[0] == "start_deferred"]
    assert (event, facts["run_id"], facts["tenant"]) == ("start_deferred", str(run.run_id), "acme")


def test_a_run_that_step_functions_refuses_is_failed_and_the_fault_is_not_dressed_up() -> None:
    world = RunWorld()
    world.engine.fault = PermissionError("AccessDeniedException on arn:aws:states")
    with pytest.raises(PermissionError):
        world.start(workflow())
    [found] = vars(world.runs)["_runs"].values()
    assert found.run.status is RunStatus.FAILED
    assert (found.run.error.reason, found.run.error.location) == (ErrorReason.BACKEND_ERROR, "query")
    assert "AccessDenied" not in found.run.error.message


@pytest.mark.parametrize("lost_to", ["an outage", "a fault"])
def test_a_run_that_was_taken_although_the_answer_was_lost_is_a_run_that_started(lost_to: str) -> None:
    for finish in (True, False):
        world = RunWorld()
        world.engine.is_down = lost_to == "an outage"
        world.engine.fault = PermissionError("AccessDeniedException")

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


class NoBucket:
    """A store of buckets that is out of reach."""

    def take(self, *_: Any) -> None:
        raise BucketUnavailableError("DynamoDB answered ThrottlingException.")

    @staticmethod
    def last_seen(*_: Any) -> int:
        return 0


def start_again(world: RunWorld, caller: Caller, version: WorkflowVersion, **parameters: Any) -> Run:
    return start_run(StartRun(version.workflow_id, parameters), caller, world.deps)


def test_starts_over_the_limit_are_refused_and_nothing_of_them_exists() -> None:
    world = RunWorld()
    version = world.define(workflow())
    started = [start_again(world, LIMITED, version) for _ in range(3)]
    for _ in range(5):
        with pytest.raises(RateLimitedError) as refused:
            start_again(world, LIMITED, version)
        assert (refused.value.wait, refused.value.retry_after) == (100_000, 1)
    assert set(world.engine.started) == set(vars(world.runs)["_runs"]) == {run.run_id for run in started}
    world.clock.sleep(0.1)
    assert start_again(world, LIMITED, version).status is RunStatus.PENDING


def test_a_caller_without_a_limit_is_counted_nowhere() -> None:
    world = RunWorld(rate_limits=NoBucket())
    version = world.define(workflow())
    assert len({start_again(world, CALLER, version).run_id for _ in range(50)}) == 50
    assert world.events() == []


def test_callers_and_tenants_are_counted_apart() -> None:
    world = RunWorld()
    for caller in (LIMITED, replace(LIMITED, key_id="key_two"), replace(LIMITED, tenant="other")):
        version = world.define(workflow(), caller)
        for _ in range(3):
            start_again(world, caller, version)
        with pytest.raises(RateLimitedError):
            start_again(world, caller, version)


def test_a_start_that_is_refused_for_its_input_has_been_counted_and_one_of_a_strange_workflow_has_not() -> None:
    world = RunWorld()
    version = world.define(WITH_INPUT)
    granted = replace(LIMITED, grants=Grants())
    for _ in range(5):
        with pytest.raises(WorkflowNotFoundError):
            start_run(StartRun(world.deps.new_id(), {}), LIMITED, world.deps)
        with pytest.raises(NotGrantedError):
            start_again(world, granted, version, n=1)
    for _ in range(3):
        with pytest.raises(InvalidParametersError):
            start_again(world, LIMITED, version, n="5")
    with pytest.raises(RateLimitedError):
        start_again(world, LIMITED, version, n=5)


def test_a_bucket_that_cannot_be_asked_stands_in_nobodys_way_and_is_reported() -> None:
    world = RunWorld(rate_limits=NoBucket())
    run = start_again(world, LIMITED, world.define(workflow()))
    assert run.run_id in world.engine.started
    assert world.logged == [
        (
            "start_not_counted",
            {"tenant": "acme", "key_id": "key_one", "error": "DynamoDB answered ThrottlingException."},
        )
    ]


STAGED = workflow(
    transform("pull") | {"stage": "source"},
    transform("build", "{{refs.pull.output.result}}") | {"stage": "refresh"},
    transform("send") | {"stage": "activation"},
    transform("rest"),
)
DAY = TimeRange(datetime(2025, 4, 18, tzinfo=UTC), datetime(2025, 4, 19, tzinfo=UTC))


@pytest.mark.parametrize(
    ("mode", "tasks"),
    [
        (RunMode.SOURCE, {"pull"}),
        (RunMode.REFRESH, {"pull", "build"}),
        (RunMode.FULL, {"pull", "build", "send", "rest"}),
    ],
)
def test_a_run_of_a_mode_is_executed_by_the_machine_of_that_mode(mode: RunMode, tasks: set[str]) -> None:
    world = RunWorld()
    version = world.define(STAGED)
    run = start_run(StartRun(version.workflow_id, {}, run_mode=mode, time_range=DAY), CALLER, world.deps)
    stored = world.found(run).run
    assert stored == run
    assert (stored.run_mode, stored.time_range) == (mode, DAY)
    machine, execution_input = world.engine.started[run.run_id]
    assert stored.content_hash == machine.content_hash == world.deps.compile(version, mode).content_hash
    assert {ref for ref in ("pull", "build", "send", "rest") if f'"{ref}"' in machine.definition} == tasks
    assert execution_input["run"].keys() == CARRIED


def test_a_run_is_whole_and_about_no_time_unless_it_is_said() -> None:
    world = RunWorld()
    run = world.start(STAGED)
    assert (run.run_mode, run.time_range) == (RunMode.FULL, None)


def test_a_run_knows_its_workflow_and_who_started_it_by_name_and_id() -> None:
    world = RunWorld()
    caller = replace(CALLER, key_id="key_one")
    named = world.define(STAGED | {"type": "courier.group/run"}, caller)
    run = start_again(world, caller, named)
    assert (run.workflow_name, run.workflow_type) == ("a workflow", "courier.group/run")
    assert (run.principal, run.principal_id) == ("ci", "key_one")
    assert world.start(workflow()).workflow_type == "stepcall.workflow/run"


@pytest.mark.parametrize("mode", [RunMode.SOURCE, RunMode.REFRESH])
def test_a_mode_that_leaves_nothing_to_run_starts_nothing_and_leaves_nothing_behind(mode: RunMode) -> None:
    world = RunWorld()
    version = world.define(workflow(transform("send", "{{input.t}}") | {"stage": "activation"}, inputs=[declare("t")]))
    parameters = {"t": "x" * INLINE_LIMIT_BYTES}
    with pytest.raises(EmptyRunModeError, match=f"`{mode}` leaves nothing to run"):
        start_run(StartRun(version.workflow_id, parameters, run_mode=mode, time_range=DAY), CALLER, world.deps)
    assert (world.engine.started, vars(world.runs)["_runs"], vars(world.payloads)["_texts"]) == ({}, {}, {})
    run = start_run(StartRun(version.workflow_id, parameters), CALLER, world.deps)
    assert len(vars(world.payloads)["_texts"]) == 1
    assert run.run_id in world.engine.started


def test_what_is_wrong_with_a_start_is_told_in_one_order() -> None:
    """Whose it is, what is granted, how many there were, the parameters, the mode, the caller's own key."""
    world = RunWorld()
    version = world.define(ASKING | {"input": [declare("t")]})

    def refuse(run_id: UUID, key: str) -> bytes:
        raise ProviderKeysUnavailableError("Not now.")

    deps = replace(world.deps, encrypt_provider_key=refuse)
    right = StartRun(version.workflow_id, {"t": "x"}, provider_key="sk-caller")
    wrong = replace(right, parameters={}, run_mode=RunMode.SOURCE)
    one_start = replace(LIMITED, rate_limit=RateLimit(per_second=1, burst=1))
    for command, caller, refusal in (
        (wrong, replace(STRANGER, grants=Grants()), WorkflowNotFoundError),
        (wrong, replace(one_start, grants=Grants()), NotGrantedError),
        (wrong, one_start, InvalidParametersError),
        (wrong, one_start, RateLimitedError),
        (replace(right, run_mode=RunMode.SOURCE), CALLER, EmptyRunModeError),
        (right, CALLER, ProviderKeysUnavailableError),
    ):
        with pytest.raises(refusal):
            start_run(command, caller, deps)
    assert (world.engine.started, vars(world.runs)["_runs"]) == ({}, {})
