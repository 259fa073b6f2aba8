"""What this face takes: contracts/amperity.md, "Start: request" and "List: query parameters"."""

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from amperity_api.admission import VERSION_FIELD
from amperity_api.fields import read_query_fields
from amperity_api.timestamps import one_day_after, read_timestamp
from stepcall.domain.json_text import write_canonical_json
from stepcall.domain.run import RunStatus, TimeRange
from stepcall.domain.run_mode import RunMode
from stepcall.runtime.http import InvalidRequestError
from stepcall.stores.run_store import RunFilter
from stepcall.use_cases.start_configured_run import StartConfiguredRun

START_FIELDS = ("config_id", "run_mode", "range_from", "range_to", VERSION_FIELD)
TIMES = ("created_from", "created_to", "ended_from", "ended_to")
LIST_FIELDS = ("limit", "next_token", "with_total", "state", "type", *TIMES)
EMPTY_RANGE = (
    "`range_to` must be later than `range_from`. It is exclusive: for one day send the next day, or leave it out."
)
VIEWS = ("overview", "verbose")
DEFAULT_LIMIT = 50
MAX_LIMIT = 1000
NUMBER = re.compile(r"[1-9][0-9]{0,3}")
STATES: Mapping[str, RunStatus] = MappingProxyType(
    {
        "scheduled": RunStatus.PENDING,
        "running": RunStatus.RUNNING,
        "started": RunStatus.RUNNING,
        "in progress": RunStatus.RUNNING,
        "succeeded": RunStatus.COMPLETED,
        "failed": RunStatus.FAILED,
        "canceled": RunStatus.CANCELLED,
        "cancelled": RunStatus.CANCELLED,
        "stopped": RunStatus.CANCELLED,
    }
)
"""All words for a run's state, in lower case. What is being stopped is canceled already: no run is ever stopping."""
BOOLEANS: Mapping[str, bool] = MappingProxyType({"true": True, "false": False})
ValueT = TypeVar("ValueT")


class ListRequest(NamedTuple):
    """Which runs, and how many of them."""

    only: RunFilter
    limit: int
    next_token: str | None
    with_total: bool

    def name_of_list(self, tenant: str) -> str:
        """Equal for the pages of one list, and for no others."""
        only = self.only
        times = [getattr(only, name) for name in TIMES]
        parts = [tenant, *(time.isoformat() if time else None for time in times), only.status, only.workflow_type]
        return write_canonical_json(parts)


def read_start(fields: Mapping[str, str]) -> StartConfiguredRun:
    """Raises InvalidRequestError."""
    if not (config_id := fields.get("config_id")):
        raise InvalidRequestError(
            "`config_id` is missing: it must be the id of a workflow, or the `config_id` of its definition."
        )
    return StartConfiguredRun(config_id, _read_mode(fields.get("run_mode")), _read_range(fields))


def read_list(raw_query: str) -> ListRequest:
    """Raises InvalidRequestError."""
    sent = read_query_fields(raw_query, LIST_FIELDS)
    times = _read_times(sent)
    state = _one_of("state", sent["state"].strip().lower(), STATES) if "state" in sent else None
    return ListRequest(
        only=RunFilter(**times, status=state, workflow_type=sent.get("type")),
        limit=_read_limit(sent.get("limit")),
        next_token=sent.get("next_token"),
        with_total=_one_of("with_total", sent.get("with_total", "false").lower(), BOOLEANS),
    )


def read_is_verbose(raw_query: str) -> bool:
    """Raises InvalidRequestError."""
    view = read_query_fields(raw_query, ["view"]).get("view", VIEWS[0])
    return _one_of("view", view, {view: view == "verbose" for view in VIEWS})


def _read_times(sent: Mapping[str, str]) -> dict[str, datetime]:
    times = {name: read_timestamp(sent[name], name) for name in TIMES if name in sent}
    for start, end in (("created_from", "created_to"), ("ended_from", "ended_to")):
        if start in times and end in times and times[start] > times[end]:
            raise InvalidRequestError(f"`{start}` is later than `{end}`: no run is between them.")
    return times


def _read_mode(text: str | None) -> RunMode:
    return _one_of("run_mode", RunMode.FULL if text is None else text, {mode.value: mode for mode in RunMode})


def _read_range(fields: Mapping[str, str]) -> TimeRange | None:
    if "range_from" not in fields:
        if "range_to" in fields:
            raise InvalidRequestError("`range_to` needs `range_from`, which says where the range begins.")
        return None
    start = _read_end_of_range(fields, "range_from")
    if "range_to" not in fields:
        return TimeRange(start, one_day_after(start, "range_from"))
    end = _read_end_of_range(fields, "range_to")
    if end <= start:
        raise InvalidRequestError(EMPTY_RANGE if end == start else "`range_to` must be later than `range_from`.")
    return TimeRange(start, end)


def _read_end_of_range(fields: Mapping[str, str], name: str) -> datetime:
    """To the millisecond, as templates show it: what is shown is what was compared."""
    time = read_timestamp(fields[name], name)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _read_limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not NUMBER.fullmatch(text) or int(text) > MAX_LIMIT:
        raise InvalidRequestError(f"`limit` must be a whole number from 1 to {MAX_LIMIT}.")
    return int(text)


def _one_of(name: str, text: str, words: Mapping[str, ValueT]) -> ValueT:
    if text not in words:
        raise InvalidRequestError(f"`{name}` must be one of {', '.join(f'`{word}`' for word in words)}.")
    return words[text]
