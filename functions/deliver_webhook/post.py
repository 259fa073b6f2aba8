"""Sends a webhook through the guarded client, and says what was answered. The answer's body is not read."""

from collections.abc import Mapping

from stepcall.domain.webhook_answer import Answered, NotAnswered
from stepcall.guarded_http.client import GuardedHttp
from stepcall.guarded_http.errors import ForbiddenTargetError, GuardedHttpError, InvalidResponseError
from stepcall.guarded_http.limits import Limits
from stepcall.guarded_http.messages import ResponseHead
from stepcall.use_cases.deliver_webhook import Post

LIMITS = Limits(connect_seconds=5, read_seconds=15, total_seconds=15)
NOT_PUBLIC = "Not sent: the receiver's address is not public, and such addresses are not called."
NOT_HTTP = "The receiver does not speak HTTP as it should."
"""In our words: the client's repeat what was received."""


class _HeadHasCome(Exception):  # noqa: N818 - no error: all that matters is known, and the rest may never end
    def __init__(self, answered: Answered) -> None:
        super().__init__()
        self.answered = answered


def post_with(http: GuardedHttp, limits: Limits = LIMITS) -> Post:
    def post(url: str, headers: Mapping[str, str], body: bytes) -> Answered | NotAnswered:
        try:
            http.request(
                "POST", url, headers=headers, body=body, follow_redirects=False, limits=limits, check_head=_stop_at
            )
        except _HeadHasCome as head:
            return head.answered
        except ForbiddenTargetError:
            return NotAnswered(NOT_PUBLIC, is_final=True)
        except InvalidResponseError:
            return NotAnswered(NOT_HTTP)
        except GuardedHttpError as exc:
            return NotAnswered(str(exc))
        raise AssertionError("An answer without a head cannot be.")

    return post


def _stop_at(head: ResponseHead) -> None:
    raise _HeadHasCome(Answered(head.status, head.headers.get("retry-after")))
