"""What the endpoint of a language model refuses, in the words of a task."""

import re

from openai import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    NotFoundError,
    OpenAIError,
    PermissionDeniedError,
    RateLimitError,
)

from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError, TaskError, shorten

MAX_PROVIDER_MESSAGE = 500
TOO_LONG = re.compile(r"context.length|maximum context|input tokens exceed|too many tokens", re.IGNORECASE)


def too_long(exc: OpenAIError, key: str) -> str | None:
    """What the endpoint says where the text does not fit the model's window. OpenAI has a code for it, others words."""
    if not isinstance(exc, APIStatusError) or exc.status_code not in (400, 413, 422):
        return None
    message = provider_message(exc, key)
    return message if exc.code == "context_length_exceeded" or TOO_LONG.search(message) else None


def to_task_error(exc: OpenAIError, model: str, key: str, to_mend: str) -> TaskError:
    """The task's error. Neither the key nor anything of our request is in it. `to_mend`: see ApiKey."""
    match exc:
        case APITimeoutError():
            return RetryableTaskError(ErrorReason.TIMEOUT, "The model did not answer in time.")
        case APIConnectionError():
            return RetryableTaskError(ErrorReason.BACKEND_ERROR, "The model's endpoint cannot be reached.")
        case APIStatusError():
            return _of_status(exc, model, key, to_mend)
        case _:
            return not_the_api()


def not_the_api() -> TaskError:
    message = "The endpoint does not answer as the OpenAI API does. Is OPENAI_BASE_URL right in this deployment?"
    return PermanentTaskError(ErrorReason.BACKEND_ERROR, message)


def provider_message(exc: APIStatusError, key: str = "") -> str:
    """What the endpoint says, if it says it as the API does, without the key."""
    message = exc.body.get("message") if isinstance(exc.body, dict) else None
    if not isinstance(message, str):
        return f"It answered {exc.status_code}."
    return shorten(message.replace(key, "…") if key else message, MAX_PROVIDER_MESSAGE)


def _of_status(exc: APIStatusError, model: str, key: str, to_mend: str) -> TaskError:
    match exc:
        case RateLimitError() if "insufficient_quota" in (exc.code, exc.type):
            return _out_of_quota()
        case RateLimitError():
            return RetryableTaskError(
                ErrorReason.RATE_LIMIT_EXCEEDED, "The model's endpoint limits the rate of requests."
            )
        case AuthenticationError() | PermissionDeniedError():
            message = f"The model's endpoint refuses the API key ({exc.status_code}); {to_mend}."
            return PermanentTaskError(ErrorReason.ACCESS_DENIED, message)
        case NotFoundError():
            message = (
                f"The endpoint knows no model {shorten(model)!r}, or OPENAI_BASE_URL is not right in this deployment."
            )
            return PermanentTaskError(ErrorReason.NOT_FOUND, message)
    return _of_other_status(exc, key)


def _of_other_status(exc: APIStatusError, key: str) -> TaskError:
    if exc.status_code == 402:
        return _out_of_quota()
    if exc.status_code in (408, 409) or exc.status_code >= 500:
        return RetryableTaskError(ErrorReason.BACKEND_ERROR, f"The model's endpoint failed ({exc.status_code}).")
    message = f"The model's endpoint refuses the request. {provider_message(exc, key)}"
    return PermanentTaskError(ErrorReason.INVALID, message)


def _out_of_quota() -> TaskError:
    message = "The account at the model's provider has no credit left, or has reached its limit of spending."
    return PermanentTaskError(ErrorReason.QUOTA_EXCEEDED, message)
