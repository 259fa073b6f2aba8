"""Whether a run's life was whole: what is lost, or was done twice, in sentences; none when nothing is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from stepcall.domain.run import RunStatus
from tests.drills.run_changes import RunSeen
from tests.drills.stories import COMPLETED, Story

TOLD = frozenset({RunStatus.RUNNING, RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})


@dataclass
class Life:
    """What was seen of a story's end. `executions` is how many Step Functions has of its run."""

    runs: Mapping[str, RunSeen]
    events: Mapping[str, Sequence[dict[str, Any]]]
    output: Any = None
    executions: int = 1
    worked: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """When each task that can be counted really worked, in seconds since 1970, by its ref."""


def find_losses(story: Story, life: Life) -> list[str]:
    if len(life.runs) != 1:
        return [f"{len(life.runs)} runs came of one call"]
    [(run_id, run)] = life.runs.items()
    return [
        *_of_answers(story, run_id),
        *_of_end(story, run, life),
        *_of_events(run_id, run, life.events.get(run_id, ())),
        *_of_work(story, run, life),
    ]


def _of_answers(story: Story, run_id: str) -> Iterator[str]:
    if story.run_ids != {run_id}:
        yield f"the client was told of {len(story.run_ids)} runs, and not of this one alone"


def _of_end(story: Story, run: RunSeen, life: Life) -> Iterator[str]:
    statuses = " ".join(run.statuses)
    if run.ends != 1 or not run.is_over:
        yield f"it was ended {run.ends} times: {statuses}"
    elif run.statuses[-1] not in story.expected:
        yield f"it ended as {run.statuses[-1]}, not as {' or '.join(sorted(story.expected))}"
    elif run.statuses[-1] is COMPLETED and life.output != story.output:
        yield f"its output is not whole: {str(life.output)[:200]}"
    if life.executions > 1:
        yield f"{life.executions} executions were started for it"


def _of_events(run_id: str, run: RunSeen, events: Sequence[dict[str, Any]]) -> Iterator[str]:
    owed = {str(uuid5(UUID(run_id), status.value)): status for status in run.statuses if status in TOLD}
    told = {event["detail"]["event_id"]: event["detail"]["status"] for event in events}
    for event_id, status in owed.items():
        if told.get(event_id) != status:
            yield f"that it was {status} was not told"
    for event_id in told.keys() - owed.keys():
        yield f"an event was told that never was: {told[event_id]}"


def _of_work(story: Story, run: RunSeen, life: Life) -> Iterator[str]:
    for ref, written in run.completed.items():
        if len(written) > 1:
            yield f"`{ref}` was completed {len(written)} times"
    for ref, times in life.worked.items():
        stored = run.completed.get(ref, [])
        if len(times) > (2 if story.may_repeat else 1):
            yield f"`{ref}` worked {len(times)} times"
        elif stored and max(times, default=0.0) > stored[0] and not story.two_at_once:
            yield f"`{ref}` worked again when its output was stored"
        if not times and run.statuses[-1:] == [COMPLETED]:
            yield f"`{ref}` never worked"
