"""Each version is compiled once per process."""

from uuid import UUID

from stepcall.domain.run_mode import RunMode
from stepcall.domain.workflow import WorkflowVersion
from stepcall.tasks.catalog import CATALOG
from stepcall.use_cases.compile_version import MAX_KEPT, MachineCompiler
from tests.clock import Clock
from tests.sample_workflows import checked, transform, workflow
from tests.unit.run_world import ARNS


def version(number: int, workflow_id: int = 1) -> WorkflowVersion:
    document = workflow(*[transform(f"t{index}") for index in range(number)])
    return WorkflowVersion(UUID(int=workflow_id), number, "acme", checked(document), Clock().now())


def test_a_version_is_compiled_once_and_another_one_apart() -> None:
    compile_version = MachineCompiler(CATALOG, ARNS)
    first = compile_version(version(1))
    assert compile_version(version(1)) is first
    assert compile_version(version(2)) != first
    assert compile_version(version(1, workflow_id=2)) == first


def test_the_modes_of_a_version_are_kept_apart() -> None:
    compile_version = MachineCompiler(CATALOG, ARNS)
    document = workflow(transform("in") | {"stage": "source"}, transform("out"))
    staged = WorkflowVersion(UUID(int=1), 1, "acme", checked(document), Clock().now())
    part, whole = compile_version(staged, RunMode.SOURCE), compile_version(staged)
    assert part != whole
    assert (compile_version(staged, RunMode.SOURCE), compile_version(staged)) == (part, whole)
    assert compile_version(staged, RunMode.REFRESH) == part


def test_what_is_kept_is_bounded() -> None:
    compile_version = MachineCompiler(CATALOG, ARNS)
    first = compile_version(version(1))
    for number in range(2, 2 * MAX_KEPT):
        compile_version(version(1, workflow_id=number))
    again = compile_version(version(1))
    assert again == first
    assert again is not first
