"""Whether a run's life was whole: what is lost, or was done twice, in sentences; none when nothing is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from stepcall.domain.run import RunStatus
from tests.drills.hooks import Hook, count_out_of_order
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
    hooks: Mapping[str, Sequence[Hook]] = field(default_factory=dict)
    """What each receiver of webhooks got, in its order, by its path."""


def find_losses(story: Story, life: Life) -> list[str]:
    if len(life.runs) != 1:
        return [f"{len(life.runs)} runs came of one call"]
    [(run_id, run)] = life.runs.items()
    return [
        *_of_answers(story, run_id),
        *_of_end(story, run, life),
        *_of_events(run_id, run, life.events.get(run_id, ())),
        *_of_work(story, run, life),
        *(loss for path in story.receivers for loss in _of_hooks(story, path, run_id, run, life)),
    ]


def _of_answers(story: Story, run_id: str) -> Iterator[str]:
    if story.is_answered and story.run_ids != {run_id}:
        yield f"the client was told of {len(story.run_ids)} runs, and not of this one alone"


def _of_end(story: Story, run: RunSeen, life: Life) -> Iterator[str]:
    statuses = " ".join(run.statuses)
    if run.ends != story.ends or not run.is_over:
        yield f"it was ended {run.ends} times: {statuses}"
    elif run.statuses[-1] not in story.expected:
        yield f"it ended as {run.statuses[-1]}, not as {' or '.join(sorted(story.expected))}"
    elif run.statuses[-1] is COMPLETED and life.output != story.output:
        yield f"its output is not whole: {str(life.output)[:200]}"
    if life.executions > 1:
        yield f"{life.executions} executions were started for it"


def owed_events(run_id: str, statuses: Sequence[RunStatus]) -> dict[str, RunStatus]:
    """What the world is to be told of, by the event's id (docs/events.md). Who resumes it makes it PENDING again."""
    attempts = [statuses[:place].count(RunStatus.PENDING) for place in range(1, len(statuses) + 1)]
    return {
        str(uuid5(UUID(run_id), status.value + (f".{attempt}" if attempt > 1 else ""))): status
        for attempt, status in zip(attempts, statuses, strict=True)
        if status in TOLD
    }


def _of_events(run_id: str, run: RunSeen, events: Sequence[dict[str, Any]]) -> Iterator[str]:
    owed = owed_events(run_id, run.statuses)
    told = {event["detail"]["event_id"]: event["detail"]["status"] for event in events}
    for event_id, status in owed.items():
        if told.get(event_id) != status:
            yield f"that it was {status} was not told"
    for event_id in told.keys() - owed.keys():
        yield f"an event was told that never was: {told[event_id]}"


def _of_hooks(story: Story, path: str, run_id: str, run: RunSeen, life: Life) -> Iterator[str]:
    """One message for each event, always the same, and never one after a later one."""
    name, ends_only, hooks = path.split("/")[1], story.receivers[path].ends_only, life.hooks.get(path, ())
    events = owed_events(run_id, run.statuses).items()
    owed = {event_id: status for event_id, status in events if status.has_ended or not ends_only}
    taken = {hook.webhook_id for hook in hooks if hook.is_taken}
    yield from (f"{name}: that it was {owed[event_id]} was not told" for event_id in owed if event_id not in taken)
    if any(not hook.webhook_id for hook in hooks):
        yield f"{name}: a webhook does not verify"
    if {hook.webhook_id for hook in hooks if hook.webhook_id} - owed.keys():
        yield f"{name}: a webhook tells what never was"
    if len({(hook.webhook_id, hook.body) for hook in hooks}) > len({hook.webhook_id for hook in hooks}):
        yield f"{name}: one webhook-id came with two bodies"
    if count_out_of_order(hooks):
        yield f"{name}: webhooks came out of their order"


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
