"""The data that templates of a run are rendered against."""

from collections.abc import Iterable

from stepcall.domain.render_template import Scope
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.domain.times import print_range
from stepcall.use_cases.dependencies import WorkerDependencies


def read_scope(found: RunWithTasks, refs: Iterable[str], deps: WorkerDependencies, *, may_keep: bool = False) -> Scope:
    """The run's input, the outputs of those tasks that have one, and the time that the run is about.

    `may_keep`: the same will be read again soon.
    """
    stored = {ref: found.tasks[ref].output for ref in refs if ref in found.tasks}
    return Scope(
        input=deps.payloads.get(found.run.input, may_keep=may_keep),
        outputs={ref: deps.payloads.get(output, may_keep=may_keep) for ref, output in stored.items() if output},
        run=print_range(found.run.time_range),
    )
