"""What every answer of the Wave face says of its end, and where to go instead.

Sources: RFC 9745 (Deprecation), RFC 8594 (Sunset), RFC 8288 (Link), RFC 5829 (successor-version).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from typing import Any

from stepcall.domain.ids import MalformedIdError, read_workflow_id, spell_execution, spell_workflow
from stepcall.domain.run import Run
from wave_api.settings import WaveSettings

DEPRECATED_AT = datetime(2026, 11, 21, tzinfo=UTC)
"""The day that the face came into being: it has never been anything but deprecated."""
DOCUMENTATION = "/docs"
SUCCESSOR = "/workflows"
OF_WORKFLOW = re.compile(r"/wave/workflows/(?P<id>[^/]+)(?P<rest>|/execute)")


def deprecation_headers(event: Mapping[str, Any]) -> Mapping[str, str]:
    """The headers of the answer to a request."""
    return {**_dates(), **link_header(successor_of(event["rawPath"]))}


def link_header(successor: str, next_page: str | None = None) -> dict[str, str]:
    links = [(DOCUMENTATION, "deprecation"), (successor, "successor-version")]
    links += [(next_page, "next")] if next_page else []
    return {"Link": ", ".join(f'<{target}>; rel="{relation}"' for target, relation in links)}


def successor_of(path: str) -> str:
    """The native counterpart, as far as a path tells it: that of a run has its workflow in it, and is known later."""
    found = OF_WORKFLOW.fullmatch(path)
    try:
        return f"{SUCCESSOR}/{spell_workflow(read_workflow_id(found['id']))}{found['rest']}" if found else SUCCESSOR
    except MalformedIdError:
        return SUCCESSOR


def successor_of_run(run: Run) -> str:
    return f"{SUCCESSOR}/{spell_workflow(run.workflow_id)}/executions/{spell_execution(run.run_id)}"


@cache
def _dates() -> Mapping[str, str]:
    sunset = format_datetime(WaveSettings.from_env().sunset, usegmt=True)
    return {"Deprecation": f"@{DEPRECATED_AT.timestamp():.0f}", "Sunset": sunset}
