"""Whether the waits of a definition can be: each has one end, and the workflow's own time is not shorter than they."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from math import ceil
from typing import Any, NamedTuple

from stepcall.domain.approval import FLOW_APPROVAL
from stepcall.domain.approval_check import ApprovalCheck
from stepcall.domain.definition_document import DefinitionDocument
from stepcall.domain.errors import shorten
from stepcall.domain.findings import Findings
from stepcall.domain.task_control import DEFAULT_CONCURRENCY
from stepcall.domain.task_order import Waits
from stepcall.domain.waiting import FLOW_WAIT
from stepcall.domain.workflow import MAX_TIMEOUT_SECONDS

ENDS = ("seconds", "until")
MAX_SPELLED = 6
"""Waits that a problem names."""


class Way(NamedTuple):
    """Waits that come one after the other."""

    seconds: int
    refs: tuple[str, ...]


class Bound(NamedTuple):
    """How long an execution may take, where that is said, and the end of a sentence that says why."""

    seconds: int
    location: str
    why: str
    of: str
    """Whose bound it is."""


class WaitCheck:
    """The check of one definition. Of what a template says nothing is known, nor whether a condition will hold."""

    def __init__(self, sent: DefinitionDocument, findings: Findings, time_to_run: timedelta | None) -> None:
        self._sent = sent
        self._findings = findings
        self._time_to_run = time_to_run
        self._approvals = ApprovalCheck(sent, findings)

    def check_task(self, pointer: str, given: Mapping[str, Any], task: Mapping[str, Any], place: str) -> None:
        """`pointer` is where its input stands, `place` the task itself."""
        if task.get("type") == FLOW_APPROVAL:
            self._check_approval(pointer, given)
        elif task.get("type") == FLOW_WAIT:
            self._check_wait(pointer, given)
        else:
            return
        if task.get("timeout_seconds") is not None:
            message = (
                f"A `{task['type']}` takes as long as its input says, and no attempt of it longer: leave this out."
            )
            self._findings.add(f"{place}/timeout_seconds", "invalid_value", message)

    def _check_approval(self, pointer: str, given: Mapping[str, Any]) -> None:
        """It may end sooner than it expires, so it adds nothing to other waits; but it has to be able to expire."""
        self._approvals.check_task(pointer, given)
        seconds, bound = given.get("expires_in"), min(self._bounds())
        if type(seconds) is int and seconds > bound.seconds:
            message = (
                f"An execution may take {bound.seconds} seconds{bound.of}, and would end before this has expired: say "
                f"no more than that."
            )
            self._findings.add(f"{pointer}/expires_in", "invalid_value", message, f"at most {bound.seconds}")

    def _check_wait(self, pointer: str, given: Mapping[str, Any]) -> None:
        ends = [name for name in ENDS if given.get(name) is not None]
        if not ends:
            message = f"`{FLOW_WAIT}` needs `seconds` or `until`: how long, or until when it waits."
            self._findings.add(pointer, "missing", message, "seconds, until")
        elif len(ends) > 1:
            message = "A wait has one end: leave out either `seconds` or `until`."
            self._findings.add(f"{pointer}/until", "invalid_value", message)

    def check_time(self, ranks: Mapping[int, int], waits: Waits | None) -> None:
        """Whether the workflow lets its waits end. `waits` is None in a sequence: each task waits for all before it."""
        bound = min(self._bounds())
        longest = max(self._ways(ranks, waits), default=Way(0, ()))
        if not longest.refs or longest.seconds < bound.seconds:
            return
        named = ", ".join(f"`{shorten(ref)}`" for ref in longest.refs[:MAX_SPELLED])
        more = " and others" if len(longest.refs) > MAX_SPELLED else ""
        message = (
            f"Waiting alone takes {longest.seconds} seconds, by {named}{more} one after the other, and an execution "
            f"may take {bound.seconds}{bound.why}."
        )
        self._findings.add(bound.location, "invalid_value", message)

    def _bounds(self) -> Iterator[Bound]:
        said = self._sent.value.get("timeout_seconds") if isinstance(self._sent.value, dict) else None
        if type(said) is int:
            yield Bound(
                said, "/timeout_seconds", ": say more here, or let it wait less", " (the workflow's `timeout_seconds`)"
            )
        if self._time_to_run:
            of = ", until its deadline (`RunDeadlineHours` of the deployment)"
            yield Bound(int(self._time_to_run.total_seconds()), "/tasks", f"{of}: let it wait less", of)
        of = ", which is a year, in Step Functions"
        yield Bound(MAX_TIMEOUT_SECONDS, "/tasks", f"{of}: let it wait less", of)

    def _ways(self, ranks: Mapping[int, int], waits: Waits | None) -> Iterator[Way]:
        """Up to each wait and with it, in run order. One that a condition may skip counts for itself alone."""
        tasks, key, nothing = self._sent.list_at("tasks"), self._sent.name_key("tasks"), Way(0, ())
        ends: dict[str, Way] = {}
        before = nothing
        for index in ranks:
            task = tasks[index] if isinstance(tasks[index], dict) else {}
            ref, seconds = str(task.get(key)), self._seconds_of(task)
            if waits is not None:
                before = max((ends[other] for other in waits.get(ref, ()) if other in ends), default=nothing)
            own = Way(before.seconds + seconds, (*before.refs, ref)) if seconds else before
            yield own
            if task.get("condition") is None:
                before = own
            ends[ref] = before

    def _seconds_of(self, task: Mapping[str, Any]) -> int:
        given = task.get(self._sent.task_input_key)
        seconds = given.get("seconds") if task.get("type") == FLOW_WAIT and isinstance(given, dict) else None
        return seconds * _rounds_of(task) if type(seconds) is int and seconds > 0 else 0


def _rounds_of(task: Mapping[str, Any]) -> int:
    """How often it is done one after the other at least, where it is done for each element of an array.

    Of an array that is not written out nothing is known: it may be empty, and nothing is waited for then.
    """
    each, at_once = task.get("for_each"), task.get("max_concurrency")
    if each is None:
        return 1
    if not isinstance(each, list):
        return 0
    return ceil(len(each) / (at_once if type(at_once) is int and at_once > 0 else DEFAULT_CONCURRENCY))
