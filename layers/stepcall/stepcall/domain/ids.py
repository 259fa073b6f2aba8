"""Identities: one UUIDv7, several spellings, each reversible without a lookup.

Spellings of a run: `ex-…` (native), `we-…` (its later generation), `job_…` (job shape), `wf-YYYYMMDD-NNNNN-…`
(Amperity), the plain UUID (Wave and Step Functions, which has `UUID-2` for what was resumed once).
Spellings of a workflow: `wf-…` (native), the plain UUID (Wave). Of an API key: `key_…`. Of an upload: `upl_…`. Of
a webhook: `wh-…`. Of a delivery of one: `dl-…`. Of a trigger: `tr-…`.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple
from uuid import RFC_4122, UUID

from stepcall.domain.errors import StepcallError

LOWER_CASE = "0123456789abcdefghijklmnopqrstuvwxyz"
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_BITS = 128
LOWER_CASE_WIDTH = 25  # 36**25 > 2**128; of one case only, so that ids stay apart where case is folded
JOB_WIDTH = 28  # the length that clients of the job shape know

NOISE_BITS = 74
DATED_WIDTH = 15  # 62**15 > 1000 * 2**74: the milliseconds of a second, and the random bits
SECONDS_OF_DAY = 24 * 60 * 60
EXECUTION_NAME = re.compile(
    r"(?P<run_id>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})(-(?P<run_attempt>[2-9]|[1-9][0-9]{1,5}))?"
)
LOW_62_BITS = (1 << 62) - 1
DATED_RUN = re.compile(r"wf-(?P<day>[0-9]{8})-(?P<second>[0-9]{5})-(?P<rest>[0-9A-Za-z]{15})")

WORKFLOW_PREFIX = "wf-"
EXECUTION_PREFIX = "ex-"
LATER_EXECUTION_PREFIX = "we-"
JOB_PREFIX = "job_"
API_KEY_PREFIX = "key_"
UPLOAD_PREFIX = "upl_"
WEBHOOK_PREFIX = "wh-"
DELIVERY_PREFIX = "dl-"
TRIGGER_PREFIX = "tr-"

EPOCH = datetime.fromtimestamp(0, UTC)


class MalformedIdError(StepcallError):
    """The text is no spelling of an id. Nothing of that name can exist, so faces answer 404."""


def uuid7(now: datetime, random: Callable[[int], bytes]) -> UUID:
    """A UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random bits, so ids sort by time."""
    return _compose((now - EPOCH) // timedelta(milliseconds=1), int.from_bytes(random(10), "big"))


def _compose(milliseconds: int, noise: int) -> UUID:
    """Of the noise the lower 74 bits."""
    variant_and_noise = (0b10 << 62) | (noise & LOW_62_BITS)
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | ((noise >> 62 & 0xFFF) << 64) | variant_and_noise)


def spell_workflow(workflow_id: UUID) -> str:
    return WORKFLOW_PREFIX + _encode(workflow_id.int, LOWER_CASE, LOWER_CASE_WIDTH)


def spell_execution(run_id: UUID) -> str:
    return EXECUTION_PREFIX + _encode(run_id.int, LOWER_CASE, LOWER_CASE_WIDTH)


def spell_later_execution(run_id: UUID) -> str:
    return LATER_EXECUTION_PREFIX + _encode(run_id.int, LOWER_CASE, LOWER_CASE_WIDTH)


def spell_job(run_id: UUID) -> str:
    return JOB_PREFIX + _encode(run_id.int, BASE62, JOB_WIDTH)


def spell_dated_run(run_id: UUID) -> str:
    """`wf-YYYYMMDD-NNNNN-…`: the day, its second, and the other bits of a UUIDv7. Source: contracts/amperity.md.

    Raises ValueError for an id that is no UUIDv7, OverflowError for one of a year after 9999: none of ours is either.
    """
    if (run_id.version, run_id.variant) != (7, RFC_4122):
        raise ValueError("Only a UUIDv7 has a time to be spelled with.")
    seconds, milliseconds = divmod(run_id.int >> 80, 1000)
    day, second = divmod(seconds, SECONDS_OF_DAY)
    noise = (run_id.int >> 64 & 0xFFF) << 62 | run_id.int & LOW_62_BITS
    rest = _encode(milliseconds << NOISE_BITS | noise, BASE62, DATED_WIDTH)
    return f"{WORKFLOW_PREFIX}{EPOCH + timedelta(days=day):%Y%m%d}-{second:05d}-{rest}"


def _read_dated_run(text: str) -> UUID:
    found = DATED_RUN.fullmatch(text)
    try:
        day = datetime.fromisoformat(found["day"]).replace(tzinfo=UTC) if found else None
    except ValueError:
        day = None
    if not found or not day or day < EPOCH or int(found["second"]) >= SECONDS_OF_DAY:
        raise _malformed(text)
    milliseconds, noise = divmod(_decode(found["rest"], BASE62, DATED_WIDTH), 1 << NOISE_BITS)
    if milliseconds >= 1000:
        raise _malformed(text)
    since_epoch = ((day - EPOCH).days * SECONDS_OF_DAY + int(found["second"])) * 1000 + milliseconds
    return _compose(since_epoch, noise)


def _malformed(text: str) -> MalformedIdError:
    return MalformedIdError(f"{text[:64]!r} is not an id.")


def spell_api_key(key_id: UUID) -> str:
    return API_KEY_PREFIX + _encode(key_id.int, LOWER_CASE, LOWER_CASE_WIDTH)


def spell_upload(upload_id: UUID) -> str:
    return UPLOAD_PREFIX + _encode(upload_id.int, LOWER_CASE, LOWER_CASE_WIDTH)


def spell_webhook(webhook_id: UUID) -> str:
    return WEBHOOK_PREFIX + _encode(webhook_id.int, LOWER_CASE, LOWER_CASE_WIDTH)


def read_webhook_id(text: str) -> UUID:
    """The webhook that `wh-…` or a plain UUID names. Raises MalformedIdError."""
    return _read(text, {WEBHOOK_PREFIX: (LOWER_CASE, LOWER_CASE_WIDTH)})


def spell_delivery(delivery_id: UUID) -> str:
    return DELIVERY_PREFIX + _encode(delivery_id.int, LOWER_CASE, LOWER_CASE_WIDTH)


def read_delivery_id(text: str) -> UUID:
    """The delivery of a webhook that `dl-…` or a plain UUID names. Raises MalformedIdError."""
    return _read(text, {DELIVERY_PREFIX: (LOWER_CASE, LOWER_CASE_WIDTH)})


def spell_trigger(trigger_id: UUID) -> str:
    return TRIGGER_PREFIX + _encode(trigger_id.int, LOWER_CASE, LOWER_CASE_WIDTH)


def read_trigger_id(text: str) -> UUID:
    """The trigger that `tr-…` or a plain UUID names. Raises MalformedIdError."""
    return _read(text, {TRIGGER_PREFIX: (LOWER_CASE, LOWER_CASE_WIDTH)})


def read_upload_id(text: str) -> UUID:
    """The upload that `upl_…` or a plain UUID names. Raises MalformedIdError."""
    return _read(text, {UPLOAD_PREFIX: (LOWER_CASE, LOWER_CASE_WIDTH)})


def read_api_key_id(text: str) -> UUID:
    """The API key that `key_…` or a plain UUID names. Raises MalformedIdError."""
    return _read(text, {API_KEY_PREFIX: (LOWER_CASE, LOWER_CASE_WIDTH)})


def read_workflow_id(text: str) -> UUID:
    """The workflow that `wf-…` or a plain UUID names. Raises MalformedIdError."""
    return _read(text, {WORKFLOW_PREFIX: (LOWER_CASE, LOWER_CASE_WIDTH)})


def read_run_id(text: str) -> UUID:
    """The run that any spelling names. Raises MalformedIdError."""
    if text.startswith(WORKFLOW_PREFIX):
        return _read_dated_run(text)
    return _read(
        text,
        {
            EXECUTION_PREFIX: (LOWER_CASE, LOWER_CASE_WIDTH),
            LATER_EXECUTION_PREFIX: (LOWER_CASE, LOWER_CASE_WIDTH),
            JOB_PREFIX: (BASE62, JOB_WIDTH),
        },
    )


def spell_execution_name(run_id: UUID, run_attempt: int) -> str:
    """What Step Functions calls the execution: of the first attempt the run's id, of later ones `UUID-2`, `UUID-3`."""
    return str(run_id) if run_attempt == 1 else f"{run_id}-{run_attempt}"


class ExecutionName(NamedTuple):
    """The run and its attempt that an execution is of."""

    run_id: UUID
    run_attempt: int


def read_execution_name(text: str) -> ExecutionName:
    """The run and its attempt that an execution is of. Raises MalformedIdError."""
    found = EXECUTION_NAME.fullmatch(text)
    if found is None:
        raise _malformed(text)
    return ExecutionName(UUID(found["run_id"]), int(found["run_attempt"] or 1))


def _read(text: str, spellings: dict[str, tuple[str, int]]) -> UUID:
    for prefix, (alphabet, width) in spellings.items():
        if text.startswith(prefix):
            return UUID(int=_decode(text.removeprefix(prefix), alphabet, width))
    try:
        identity = UUID(text)
    except ValueError as exc:
        raise _malformed(text) from exc
    if str(identity) != text.lower():
        raise _malformed(text)
    return identity


@cache
def _pairs(alphabet: str) -> tuple[str, ...]:
    """Every two digits: an id is spelled in half as many steps."""
    return tuple(first + second for first in alphabet for second in alphabet)


def _encode(number: int, alphabet: str, width: int) -> str:
    pairs = _pairs(alphabet)
    spelled = []
    for _ in range((width + 1) // 2):
        number, pair = divmod(number, len(pairs))
        spelled.append(pairs[pair])
    spelled.reverse()
    return "".join(spelled)[-width:]


def _decode(text: str, alphabet: str, width: int) -> int:
    if len(text) == width and set(text) <= set(alphabet):
        number = int(text, len(alphabet)) if alphabet is LOWER_CASE else _decode_by_digit(text, alphabet)
        if number.bit_length() <= ID_BITS:
            return number
    raise _malformed(text)


def _decode_by_digit(text: str, alphabet: str) -> int:
    number = 0
    for character in text:
        number = number * len(alphabet) + alphabet.index(character)
    return number
