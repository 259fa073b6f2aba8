"""Store the next version of a workflow, or find that there is nothing new in it."""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from stepcall.domain.access import Grants, NotGrantedError
from stepcall.domain.errors import InvalidDefinitionError
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.cached_workflow_store import CachedWorkflowStore
from stepcall.stores.memory_workflow_store import MemoryWorkflowStore
from stepcall.stores.workflow_store import (
    LATEST_LEASE_SECONDS,
    ConfigIdTakenError,
    VersionConflictError,
    WorkflowNotFoundError,
)
from stepcall.use_cases.change_workflow import CHANGE_ATTEMPTS, StaleVersionError
from stepcall.use_cases.start_run import StartRun, start_run
from stepcall.use_cases.update_workflow import update_workflow
from tests.sample_workflows import Document, declare, incompressible, transform, workflow
from tests.unit.oversized import TOO_LARGE, deployed_under_long_names
from tests.unit.run_world import CALLER, STRANGER, RunWorld

OTHER = workflow(transform("other"))


def update(world: RunWorld, workflow_id: Any, document: Document, expected: set[int] | None = None) -> WorkflowVersion:
    return update_workflow(workflow_id, document, CALLER, world.deps, expected=expected).version


def literal(data: Any) -> Document:
    return workflow(transform("only", data))


def test_another_definition_is_the_next_version_and_the_workflow_as_old_as_before() -> None:
    world = RunWorld()
    one = world.define(workflow())
    world.clock.sleep(86400)
    two = update(world, one.workflow_id, OTHER)
    assert (two.version, two.definition.tasks[0].ref, two.tenant) == (2, "other", CALLER.tenant)
    assert (two.workflow_created_at, two.created_at - one.created_at) == (one.created_at, timedelta(days=1))
    three = update(world, one.workflow_id, workflow())
    assert (three.version, three.workflow_created_at) == (3, one.created_at)
    assert world.workflows.get_latest(CALLER.tenant, one.workflow_id) == three
    assert world.workflows.get_version(one.workflow_id, 1) == one


def test_an_equal_definition_makes_no_version_whatever_the_order_of_its_keys() -> None:
    world = RunWorld()
    document = literal({"b": [1, {"d": None, "c": 1.5}], "a": 2**70})
    one = world.define(document)
    turned = dict(reversed(deepcopy(document).items()))
    turned["tasks"] = [dict(reversed(task.items())) for task in turned["tasks"]]
    turned["tasks"][0]["input"]["data"] = {"a": 2**70, "b": [1, {"c": 1.5, "d": None}]}
    assert update(world, one.workflow_id, turned) == one
    assert update(world, one.workflow_id, document, expected={1}) == one
    assert world.workflows.list_versions(one.workflow_id, limit=5, after=None).versions == [(1, one.created_at)]


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, True), (0, False), (1, 1.0), (2**53, float(2**53)), ([1], [True]), ({"a": 0}, {"a": -0.0}), (None, 0)],
    ids=repr,
)
def test_what_python_calls_equal_and_json_does_not_is_a_new_version(before: Any, after: Any) -> None:
    world = RunWorld()
    one = world.define(literal(before))
    two = update(world, one.workflow_id, literal(after))
    assert two.version == 2
    assert repr(two.definition.tasks[0].input["data"]) == repr(after)


def test_a_default_that_is_spelled_out_is_a_new_version_and_one_before_the_last_too() -> None:
    world = RunWorld()
    one = world.define(workflow(inputs=[declare("n")]))
    assert update(world, one.workflow_id, workflow(inputs=[declare("n", required=True)])).version == 2
    assert update(world, one.workflow_id, workflow(inputs=[declare("n")])).version == 3


def test_what_is_probably_not_meant_is_told_and_stored_all_the_same() -> None:
    world = RunWorld()
    one, odd = world.define(workflow()), workflow(inputs=[declare("nobodys")])
    for _ in ("new", "equal"):
        stored = update_workflow(one.workflow_id, odd, CALLER, world.deps)
        assert [(warning.location, warning.code) for warning in stored.warnings] == [("/input/0", "unused_input")]
        assert world.workflows.get_latest(CALLER.tenant, one.workflow_id) == stored.version


def test_an_invalid_definition_is_refused_and_not_stored() -> None:
    world = deployed_under_long_names()
    one = world.define(workflow())
    for document, code in ((workflow(transform("a", "{{input.nobody}}")), "unknown_input"), (TOO_LARGE, "too_large")):
        with pytest.raises(InvalidDefinitionError) as raised:
            update(world, one.workflow_id, document)
        assert code in {problem.code for problem in raised.value.problems}
    assert world.workflows.get_latest(CALLER.tenant, one.workflow_id) == one


def test_a_definition_that_does_not_fit_into_its_record_is_refused_as_a_problem_of_the_document() -> None:
    world = RunWorld()
    one = world.define(workflow())
    with pytest.raises(InvalidDefinitionError) as raised:
        update(world, one.workflow_id, incompressible())
    assert [(problem.location, problem.code) for problem in raised.value.problems] == [("", "too_large")]


def test_a_workflow_of_nobody_or_somebody_else_is_not_found() -> None:
    world = RunWorld()
    one = world.define(workflow())
    with pytest.raises(WorkflowNotFoundError) as theirs:
        update_workflow(one.workflow_id, OTHER, STRANGER, world.deps)
    nobody = world.deps.new_id()
    with pytest.raises(WorkflowNotFoundError) as nobodys:
        update(world, nobody, OTHER)
    assert str(theirs.value).replace(str(one.workflow_id), "") == str(nobodys.value).replace(str(nobody), "")


def test_a_version_that_is_not_the_newest_any_more_is_stale() -> None:
    world = RunWorld()
    one = world.define(workflow())
    update(world, one.workflow_id, OTHER, expected={1})
    for expected in ({1}, {3}, set[int]()):
        with pytest.raises(StaleVersionError, match="The newest version is 2") as raised:
            update(world, one.workflow_id, workflow(), expected=expected)
        assert raised.value.newest == 2
    assert update(world, one.workflow_id, workflow(), expected={1, 2}).version == 3


def test_a_stale_version_is_stale_also_when_nothing_would_change() -> None:
    world = RunWorld()
    one = world.define(workflow())
    update(world, one.workflow_id, OTHER)
    with pytest.raises(StaleVersionError):
        update(world, one.workflow_id, OTHER, expected={1})


@dataclass
class ContendedStore(MemoryWorkflowStore):
    """Somebody else is faster, so many times."""

    others: list[Document] = field(default_factory=list)
    in_between: Callable[[Document, WorkflowVersion, WorkflowVersion], None] = lambda _document, _version, _newest: None

    def __post_init__(self) -> None:
        super().__init__()

    def put_next(self, version: WorkflowVersion, newest: WorkflowVersion) -> None:
        if self.others:
            self.in_between(self.others.pop(0), version, newest)
        super().put_next(version, newest)


def contended(*others: Document) -> tuple[RunWorld, ContendedStore, WorkflowVersion]:
    store = ContendedStore(others=list(others))
    world = RunWorld(workflows=store)

    def store_first(document: Document, version: WorkflowVersion, newest: WorkflowVersion) -> None:
        definition = world.define(document).definition
        rival = WorkflowVersion(version.workflow_id, version.version, version.tenant, definition, world.clock.now())
        MemoryWorkflowStore.put_next(store, rival, newest)

    store.in_between = store_first
    return world, store, world.define(workflow())


def test_a_lost_race_takes_the_next_number() -> None:
    world, store, one = contended(literal("a"), literal("b"))
    mine = update(world, one.workflow_id, OTHER)
    assert mine.version == 4
    assert [store.get_version(one.workflow_id, number).definition.tasks[0].ref for number in (2, 3, 4)] == [
        "only",
        "only",
        "other",
    ]


def test_a_lost_race_is_stale_for_who_says_what_was_read() -> None:
    world, store, one = contended(literal("a"))
    with pytest.raises(StaleVersionError, match="The newest version is 2"):
        update(world, one.workflow_id, OTHER, expected={1})
    assert store.get_latest(CALLER.tenant, one.workflow_id).version == 2


def test_a_race_lost_to_an_equal_definition_is_won() -> None:
    world, store, one = contended(OTHER)
    assert update(world, one.workflow_id, OTHER).version == 2
    assert store.get_latest(CALLER.tenant, one.workflow_id).version == 2


def test_who_always_loses_is_told_after_a_while() -> None:
    world, store, one = contended(*[literal(number) for number in range(CHANGE_ATTEMPTS)])
    began = world.clock.monotonic()
    with pytest.raises(VersionConflictError):
        update(world, one.workflow_id, OTHER)
    assert world.clock.monotonic() - began < 5
    assert store.get_latest(CALLER.tenant, one.workflow_id).version == 1 + CHANGE_ATTEMPTS


def test_the_machine_of_a_definition_that_lost_its_number_is_not_the_machine_of_that_number() -> None:
    world, store, one = contended(literal("theirs"))
    with pytest.raises(StaleVersionError):
        update(world, one.workflow_id, OTHER, expected={1})
    run = start_run(StartRun(one.workflow_id, {}), CALLER, world.deps)
    machine = world.engine.started[run.run_id][0].definition
    assert run.workflow_version == 2
    assert '"only"' in machine
    assert '"other"' not in machine
    assert store.get_latest(CALLER.tenant, one.workflow_id).definition.tasks[0].ref == "only"


def test_a_change_is_told_when_no_process_believes_the_version_before_any_more() -> None:
    """Another process read the old version in the last moment before the write."""
    world = RunWorld()
    one = world.define(workflow())
    elsewhere = CachedWorkflowStore(world.workflows, world.clock.monotonic)
    assert elsewhere.get_latest(CALLER.tenant, one.workflow_id).version == 1
    began = world.clock.monotonic()
    update(world, one.workflow_id, OTHER)
    assert world.clock.monotonic() - began == pytest.approx(LATEST_LEASE_SECONDS)
    assert elsewhere.get_latest(CALLER.tenant, one.workflow_id).version == 2


def test_an_equal_definition_waits_for_a_change_that_may_not_have_been_told_yet() -> None:
    world = RunWorld()
    one = world.define(workflow())
    update(world, one.workflow_id, OTHER)
    took = Counter[str]()
    for name, pause in (("soon", 0.0), ("later", 61.0)):
        world.clock.sleep(pause)
        began = world.clock.monotonic()
        assert update(world, one.workflow_id, OTHER).version == 2
        took[name] = round(world.clock.monotonic() - began)
    assert took == {"soon": 1, "later": 0}


def claiming(config_id: str) -> Document:
    return workflow() | {"config_id": config_id}


def test_a_version_with_another_config_id_frees_the_old_one_for_who_is_told() -> None:
    world = RunWorld()
    one = world.define(claiming("a"))
    began = world.clock.monotonic()
    update(world, one.workflow_id, claiming("b"))
    assert world.clock.monotonic() - began == pytest.approx(LATEST_LEASE_SECONDS)
    assert world.workflows.find_config_id(CALLER.tenant, "b") == one.workflow_id
    other = world.define(claiming("a"))
    assert world.workflows.find_config_id(CALLER.tenant, "a") == other.workflow_id


def test_a_version_with_a_config_id_that_is_taken_is_refused_and_not_stored() -> None:
    world = RunWorld()
    taken, one = world.define(claiming("a")), world.define(claiming("b"))
    with pytest.raises(ConfigIdTakenError):
        update(world, one.workflow_id, claiming("a"))
    assert world.workflows.get_latest(CALLER.tenant, one.workflow_id) == one
    assert world.workflows.find_config_id(CALLER.tenant, "b") == one.workflow_id
    assert update(world, taken.workflow_id, claiming("a") | {"name": "renamed"}).version == 2


@pytest.mark.parametrize("claimed", ["nobodys", "anothers"])
def test_who_is_granted_a_workflow_may_keep_or_drop_its_config_id_and_claim_no_other(claimed: str) -> None:
    world = RunWorld()
    world.define(claiming("anothers"))
    one = world.define(claiming("mine"))
    narrowed = replace(CALLER, grants=Grants(frozenset({one.workflow_id})))
    with pytest.raises(NotGrantedError, match="may not claim another `config_id`") as refused:
        update_workflow(one.workflow_id, claiming(claimed), narrowed, world.deps)
    assert claimed not in str(refused.value)
    assert world.workflows.get_latest(CALLER.tenant, one.workflow_id) == one
    for number, document in ((2, claiming("mine") | {"name": "kept"}), (3, workflow())):
        assert update_workflow(one.workflow_id, document, narrowed, world.deps).version.version == number
    with pytest.raises(NotGrantedError):
        update_workflow(one.workflow_id, claiming("mine"), narrowed, world.deps)
    assert update(world, one.workflow_id, claiming("mine")).version == 4


def test_no_process_starts_by_a_config_id_what_had_it_before_the_change_was_told() -> None:
    world = RunWorld()
    elsewhere = CachedWorkflowStore(world.workflows, world.clock.monotonic)
    one = world.define(claiming("a"))
    assert elsewhere.find_config_id(CALLER.tenant, "a") == one.workflow_id
    update(world, one.workflow_id, workflow())
    with pytest.raises(WorkflowNotFoundError):
        elsewhere.find_config_id(CALLER.tenant, "a")
    two = world.define(claiming("a"))
    assert elsewhere.find_config_id(CALLER.tenant, "a") == two.workflow_id
