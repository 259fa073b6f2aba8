"""Asks a language model over the chat completions API, which OpenAI and many others speak."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openai import AuthenticationError, OpenAI, OpenAIError, Timeout, omit
from pydantic import BaseModel, Field, ValidationError

from run_ai_task.api_key import ApiKey
from run_ai_task.chat_errors import not_the_api, to_task_error, too_long

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam


CONNECT_SECONDS = 10.0


class ContextLengthExceededError(Exception):
    """The messages are longer than the model's window; the text is what the endpoint says."""


class Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class Choice(BaseModel):
    message: Message
    finish_reason: str | None = None


class Completion(BaseModel):
    """What we read of an answer. Endpoints differ in the rest."""

    choices: list[Choice] = Field(min_length=1)
    model: str | None = None
    usage: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    model: str
    messages: "list[ChatCompletionMessageParam]"
    parameters: Mapping[str, Any]
    """Further fields of the request's body."""
    timeout_seconds: float
    api_key: ApiKey


class ChatModel:
    def __init__(self, base_url: str) -> None:
        # Each request brings its own key. No retries: Step Functions makes them, and does not charge for the waiting.
        # A connection kept for the next task is often dead by then, as Lambda sleeps between tasks: none is kept.
        self._client = OpenAI(base_url=base_url, api_key="-", max_retries=0, default_headers={"Connection": "close"})

    def close(self) -> None:
        self._client.close()

    def complete(self, request: ChatRequest) -> Completion:
        """Raises ContextLengthExceededError, PermanentTaskError and RetryableTaskError."""
        key = request.api_key.current()
        try:
            answer = self._send_with_newest(request, key)
        except OpenAIError as exc:
            # `from None`: what the endpoint says of a refused key may quote it, and the log prints causes
            if message := too_long(exc, key):
                raise ContextLengthExceededError(message) from None
            raise to_task_error(exc, request.model, key, request.api_key.to_mend) from None
        try:
            return Completion.model_validate_json(answer)
        except ValidationError:
            raise not_the_api() from None

    def _send_with_newest(self, request: ChatRequest, key: str) -> bytes:
        try:
            return self._send(request, key)
        except AuthenticationError:
            newer = request.api_key.after(key)
            if newer is None:
                raise
        return self._send(request, newer)

    def _send(self, request: ChatRequest, key: str) -> bytes:
        """The answer as it is: the library takes whatever comes for a completion."""
        return self._client.chat.completions.with_raw_response.create(
            model=request.model,
            messages=request.messages,
            extra_body=request.parameters,  # never as keyword arguments: those can set headers and the timeout
            extra_headers={"Authorization": f"Bearer {key}" if key else omit},
            timeout=Timeout(request.timeout_seconds, connect=min(CONNECT_SECONDS, request.timeout_seconds)),
        ).content
