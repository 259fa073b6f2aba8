"""What the Wave face takes."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from stepcall.domain.ids import MalformedIdError, read_run_id, read_workflow_id
from stepcall.runtime.http import InvalidRequestError
from stepcall.stores.run_store import RunNotFoundError
from stepcall.stores.workflow_store import WorkflowNotFoundError


def read_parameters(body: Any) -> dict[str, Any]:
    """The flat map of a workflow's parameters, which has no wrapper. Raises InvalidRequestError."""
    if not isinstance(body, dict):
        raise InvalidRequestError('The body must be a JSON object: the parameters by their names, {"name": value}.')
    return body


def read_asked_workflow(text: str) -> UUID:
    """What is no id names nothing. Raises WorkflowNotFoundError."""
    try:
        return read_workflow_id(text)
    except MalformedIdError as exc:
        raise WorkflowNotFoundError("This is no id of a workflow.") from exc


def read_asked_run(text: str) -> UUID:
    """The same of a run. Raises RunNotFoundError."""
    try:
        return read_run_id(text)
    except MalformedIdError as exc:
        raise RunNotFoundError("This is no id of a run.") from exc


def read_after(query: Mapping[str, str]) -> UUID | None:
    """The workflow that a list goes on after, as its `Link` to the next page says. Raises InvalidRequestError."""
    text = query.get("after")
    try:
        return read_workflow_id(text) if text else None
    except MalformedIdError as exc:
        raise InvalidRequestError("`after` is none that a list has given: begin without one.") from exc
