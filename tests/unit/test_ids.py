"""One identity, several spellings, each reversible."""

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcall.domain.ids import (
    EPOCH,
    MalformedIdError,
    read_execution_name,
    read_run_id,
    read_webhook_id,
    read_workflow_id,
    spell_dated_run,
    spell_execution,
    spell_execution_name,
    spell_job,
    spell_webhook,
    spell_workflow,
    uuid7,
)

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
RANDOM = st.binary(min_size=10, max_size=10)
IDS = st.uuids()
SAMPLE = UUID("0198c0de-0000-7000-8000-00000000002a")


def time_of(identity: UUID) -> datetime:
    """As RFC 9562 says it: the first 48 bits are milliseconds."""
    return EPOCH + timedelta(milliseconds=identity.int >> 80)


@given(IDS)
def test_every_spelling_of_a_run_reads_back(run_id: UUID) -> None:
    execution = spell_execution(run_id)
    later = "we-" + execution.removeprefix("ex-")
    for spelled in (execution, later, spell_job(run_id), str(run_id), str(run_id).upper()):
        assert read_run_id(spelled) == run_id


@given(IDS)
def test_every_spelling_of_a_workflow_reads_back(workflow_id: UUID) -> None:
    assert read_workflow_id(spell_workflow(workflow_id)) == workflow_id
    assert read_workflow_id(str(workflow_id)) == workflow_id


@given(IDS)
def test_every_spelling_of_a_webhook_reads_back_and_is_nothing_elses(webhook_id: UUID) -> None:
    assert read_webhook_id(spell_webhook(webhook_id)) == read_webhook_id(str(webhook_id)) == webhook_id
    for text in (spell_workflow(webhook_id), spell_execution(webhook_id), spell_webhook(webhook_id).upper()):
        with pytest.raises(MalformedIdError):
            read_webhook_id(text)


@pytest.mark.parametrize("identity", [UUID(int=0), UUID(int=2**128 - 1), SAMPLE])
def test_spellings_have_one_length_and_safe_characters(identity: UUID) -> None:
    assert len(spell_execution(identity)) == len(spell_workflow(identity)) == 28
    assert len(spell_job(identity)) == 32
    assert spell_execution(identity)[3:].isalnum()
    assert spell_execution(identity).islower()
    assert spell_job(identity)[4:].isalnum()


def test_spellings_stay_as_they_are_in_clients_databases() -> None:
    # by int(…, 36) and by `bc` with obase=62
    assert spell_execution(SAMPLE) == "ex-03eiavu4lbb43lm79vblcyi3u"
    assert spell_workflow(SAMPLE) == "wf-03eiavu4lbb43lm79vblcyi3u"
    assert spell_job(SAMPLE) == "job_000000030neLrnQJSRroCVCCJRt4"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ex-",
        "ex",
        "wf-03eiavu4lbb43lm79vblcyi3u",
        "EX-03eiavu4lbb43lm79vblcyi3u",
        "ex-03eiavu4lbb43lm79vblcyi3",
        "ex-03eiavu4lbb43lm79vblcyi3ua",
        "ex-03EIAVU4LBB43LM79VBLCYI3U",
        "ex-03eiavu4lbb43lm79vblcyi3\n",
        " ex-03eiavu4lbb43lm79vblcyi3u",
        "ex-" + "z" * 25,
        "ex-" + "٣" * 25,
        "ex-" + "-" * 25,
        "job_" + "z" * 28,
        "job-000000030neLrnQJSRroCVCCJRt4",
        "ex-0198c0de-0000-7000-8000-00000000002a",
        "0198c0de00007000800000000000002a",
        "{0198c0de-0000-7000-8000-00000000002a}",
        "urn:uuid:0198c0de-0000-7000-8000-00000000002a",
        "0198c0de-0000-7000-8000-00000000002g",
        "0198c0de-0000-7000-8000-00000000002a ",
        "0198c0de_0000-7000-8000-00000000002a",
        "٠198c0de-0000-7000-8000-00000000002a",
        "../../etc/passwd",
        "\x00",
        "ex-" + "0" * 1_000_000,
        "job_" + "9" * 1_000_000,
        "9" * 1_000_000,
    ],
    ids=lambda text: ascii(text)[:32],
)
def test_what_is_no_spelling_is_refused_with_a_short_message(text: str) -> None:
    with pytest.raises(MalformedIdError) as raised:
        read_run_id(text)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("spelled", [spell_execution(SAMPLE), spell_job(SAMPLE), "we-03eiavu4lbb43lm79vblcyi3u"])
def test_a_run_is_no_workflow(spelled: str) -> None:
    with pytest.raises(MalformedIdError):
        read_workflow_id(spelled)


@given(st.text())
def test_any_text_is_an_id_or_refused_and_nothing_else(text: str) -> None:
    for prefix in ("", "ex-", "we-", "job_"):
        with suppress(MalformedIdError):
            assert isinstance(read_run_id(prefix + text), UUID)


@given(TIMES, RANDOM)
def test_a_new_id_is_a_uuid_of_version_7(time: datetime, noise: bytes) -> None:
    identity = uuid7(time, lambda size: noise[:size])
    assert (identity.version, identity.variant) == (7, RFC_4122)


@given(TIMES, RANDOM)
def test_an_id_tells_when_it_was_made_to_the_millisecond(time: datetime, noise: bytes) -> None:
    told = time_of(uuid7(time, lambda size: noise[:size]))
    assert timedelta(0) <= time - told < timedelta(milliseconds=1)


@given(TIMES, TIMES, RANDOM, RANDOM)
def test_ids_of_different_milliseconds_sort_by_time_in_every_spelling(
    one: datetime, other: datetime, noise: bytes, other_noise: bytes
) -> None:
    first, second = (uuid7(time, lambda _, n=n: n) for time, n in sorted([(one, noise), (other, other_noise)]))  # type: ignore[misc]
    if time_of(first) < time_of(second):
        for spell in (str, spell_execution, spell_job, spell_workflow):
            assert spell(first) < spell(second)


@given(RANDOM)
def test_each_of_74_bits_of_noise_makes_another_id(noise: bytes) -> None:
    time, number = datetime(2026, 1, 1, tzinfo=UTC), int.from_bytes(noise, "big")
    flipped = [(number ^ (1 << bit)).to_bytes(10, "big") for bit in range(74)]
    assert len({uuid7(time, lambda _, noise=noise: noise) for noise in (noise, *flipped)}) == 75  # type: ignore[misc]


def test_ids_made_of_the_systems_noise_do_not_repeat() -> None:
    time = datetime(2026, 1, 1, tzinfo=UTC)
    assert len({uuid7(time, os.urandom) for _ in range(2000)}) == 2000


def new_id(time: datetime, noise: bytes) -> UUID:
    return uuid7(time, lambda _: noise)


LAST_TIME = datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)
ALL_TIMES = st.datetimes(datetime(1970, 1, 1), LAST_TIME.replace(tzinfo=None), timezones=st.just(UTC))  # noqa: DTZ001
DATED = "wf-20260304-20389-0Dwb5XcXAijR8xD"
DATED_ID = UUID("019cb75c-0d1b-7abc-8123-456789abcdef")


@given(ALL_TIMES, RANDOM)
def test_a_dated_spelling_reads_back_in_every_year_there_is(time: datetime, noise: bytes) -> None:
    run_id = new_id(time, noise)
    assert read_run_id(spell_dated_run(run_id)) == run_id


@given(ALL_TIMES, RANDOM)
def test_a_dated_spelling_tells_the_day_and_its_second(time: datetime, noise: bytes) -> None:
    prefix, day, second, rest = spell_dated_run(new_id(time, noise)).split("-")
    midnight = time.replace(hour=0, minute=0, second=0, microsecond=0)
    assert (prefix, day) == ("wf", f"{time.year}{time.month:02d}{time.day:02d}")
    assert (len(second), int(second)) == (5, (time - midnight).seconds)
    assert (len(rest), rest.isascii(), rest.isalnum()) == (15, True, True)


@pytest.mark.parametrize(
    ("time", "day"), [(datetime(1970, 1, 1, tzinfo=UTC), "19700101-00000"), (LAST_TIME, "99991231-86399")]
)
@pytest.mark.parametrize("noise", [bytes(10), b"\xff" * 10])
def test_the_first_and_the_last_id_there_can_be_are_spelled(time: datetime, day: str, noise: bytes) -> None:
    run_id = new_id(time, noise)
    assert spell_dated_run(run_id).startswith(f"wf-{day}-")
    assert read_run_id(spell_dated_run(run_id)) == run_id


def test_dated_spellings_stay_as_they_are_in_clients_databases() -> None:
    # the milliseconds and the 74 bits by `bc` with obase=62
    assert spell_dated_run(DATED_ID) == DATED
    assert read_run_id(DATED) == DATED_ID


@given(ALL_TIMES, ALL_TIMES, RANDOM, RANDOM)
def test_dated_spellings_sort_by_time(one: datetime, other: datetime, noise: bytes, other_noise: bytes) -> None:
    first, second = sorted((new_id(one, noise), new_id(other, other_noise)))
    assert (spell_dated_run(first) < spell_dated_run(second)) is (first != second)


@given(ALL_TIMES, RANDOM)
def test_a_dated_run_is_no_workflow_and_a_workflow_no_dated_run(time: datetime, noise: bytes) -> None:
    identity = new_id(time, noise)
    with pytest.raises(MalformedIdError):
        read_workflow_id(spell_dated_run(identity))
    with pytest.raises(MalformedIdError):
        read_run_id(spell_workflow(identity))


@given(ALL_TIMES, RANDOM)
def test_every_spelling_in_another_case_is_another_id_or_none(time: datetime, noise: bytes) -> None:
    run_id = new_id(time, noise)
    spelled = spell_dated_run(run_id)
    for other in {spelled.upper(), f"wf-{spelled[3:].upper()}", f"wf-{spelled[3:].lower()}"} - {spelled}:
        with suppress(MalformedIdError):
            assert read_run_id(other) != run_id


@given(st.from_regex(r"wf-[0-9]{8}-[0-9]{5}-[0-9A-Za-z]{15}", fullmatch=True))
def test_a_text_of_that_shape_is_the_spelling_of_one_id_or_of_none(text: str) -> None:
    with suppress(MalformedIdError):
        assert spell_dated_run(read_run_id(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "wf-",
        "wf-20260304",
        "wf-20260304-20389",
        "wf-20260304-20389-",
        DATED[:-1],
        DATED + "0",
        DATED + "\n",
        " " + DATED,
        DATED.replace("wf-", "WF-"),
        DATED.replace("wf-", "ex-"),
        DATED.replace("-", "_"),
        DATED.replace("20260304", "20260230"),
        DATED.replace("20260304", "20261301"),
        DATED.replace("20260304", "00000101"),
        DATED.replace("20260304", "19691231"),
        DATED.replace("20260304", "2026-3-4"),
        DATED.replace("20260304", "2026W101"),
        DATED.replace("20260304", "٢٠٢٦٠٣٠٤"),
        DATED.replace("20389", "86400"),
        DATED.replace("20389", "99999"),
        DATED.replace("20389", "-2038"),
        DATED.replace("20389", "2_389"),
        DATED.replace("20389", "20 89"),
        DATED[:-15] + "z" * 15,
        DATED[:-15] + "-" * 15,
        DATED[:-15] + "é" * 15,
        DATED[:-1] + "\x00",
        "wf-" + "0" * 1_000_000,
        DATED + "9" * 1_000_000,
    ],
    ids=lambda text: ascii(text)[:48],
)
def test_what_is_no_dated_spelling_is_refused_with_a_short_message(text: str) -> None:
    for read in (read_run_id, read_workflow_id):
        with pytest.raises(MalformedIdError) as raised:
            read(text)
        assert len(str(raised.value)) < 300


@pytest.mark.parametrize("identity", [UUID(int=0), UUID(int=2**128 - 1), UUID("f47ac10b-58cc-4372-a567-0e02b2c3d479")])
def test_an_id_without_a_time_has_no_dated_spelling(identity: UUID) -> None:
    with pytest.raises(ValueError, match="Only a UUIDv7"):
        spell_dated_run(identity)


@pytest.mark.parametrize(("run_attempt", "suffix"), [(1, ""), (2, "-2"), (31, "-31")])
def test_an_execution_is_named_after_its_run_and_the_attempt_of_it(run_attempt: int, suffix: str) -> None:
    run_id = UUID("01a1ff4c-49c7-7afb-b908-fd2cd89523af")
    name = spell_execution_name(run_id, run_attempt)
    assert name == f"{run_id}{suffix}"
    assert read_execution_name(name) == (run_id, run_attempt)


@pytest.mark.parametrize("end", ["-", "-0", "-1", "-01", "-2-2", "-x", " ", "\n"])
def test_what_is_no_name_of_an_execution_is_refused(end: str) -> None:
    with pytest.raises(MalformedIdError):
        read_execution_name(f"01a1ff4c-49c7-7afb-b908-fd2cd89523af{end}")
