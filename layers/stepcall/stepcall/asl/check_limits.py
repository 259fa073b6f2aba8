"""Step Functions' quotas that a definition can break, each as a problem of the definition with its own code.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html. The quota on names needs
no problem here: of 80 characters a task's ref has 64 at most, and a machine's name is 32 digits after a checked prefix.
"""

from collections.abc import Iterator

from stepcall.domain.errors import InvalidDefinitionError, Problem

MAX_DEFINITION_BYTES = 1_048_576
MAX_REQUEST_BYTES = 1_048_576
MAX_HISTORY_EVENTS = 25_000
REST_OF_REQUEST_BYTES = 2048  # name, role and signature, beside the definition


def refuse_over_limits(definition: str, history_events: int) -> None:
    """Raises InvalidDefinitionError with every quota that a machine breaks, `definition` being its text."""
    if problems := [*find_size_problems(definition), *_find_history_problems(history_events)]:
        raise InvalidDefinitionError(problems)


def find_size_problems(definition: str) -> Iterator[Problem]:
    """What is too large for Step Functions, for a machine that was compiled or written by hand."""
    size = len(definition.encode())
    # CreateStateMachine carries it as text inside JSON, where a quotation mark and a backslash are two bytes each
    request_size = size + definition.count('"') + definition.count("\\") + REST_OF_REQUEST_BYTES
    if size > MAX_DEFINITION_BYTES:
        yield _too_large(
            "the compiled state machine", size, MAX_DEFINITION_BYTES, "maximum state machine definition size"
        )
    elif request_size > MAX_REQUEST_BYTES:
        yield _too_large(
            "the request to create the state machine", request_size, MAX_REQUEST_BYTES, "maximum request size"
        )


def _too_large(what: str, size: int, limit: int, quota: str) -> Problem:
    message = (
        f"{what[0].upper()}{what[1:]} has {size} bytes; Step Functions takes {limit} (quota: {quota}). "
        "Use fewer tasks or shorter refs, or split the workflow."
    )
    return Problem("", "too_large", message, f"at most {limit} bytes", f"{size} bytes")


def _find_history_problems(events: int) -> Iterator[Problem]:
    if events > MAX_HISTORY_EVENTS:
        message = (
            f"A run that uses all its retries writes {events} events; Step Functions ends an execution at "
            f"{MAX_HISTORY_EVENTS} (quota: maximum execution history size). Use fewer tasks, or split the workflow."
        )
        expected, got = f"at most {MAX_HISTORY_EVENTS} events", f"{events} events"
        yield Problem("/tasks", "too_many_history_events", message, expected, got)
