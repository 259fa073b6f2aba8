"""What travels in a record, and what must go to the bucket."""

import pytest

from stepcall.domain.json_text import NotJsonError
from stepcall.stores.payload_store import (
    INLINE_LIMIT_BYTES,
    MAX_PAYLOAD_BYTES,
    PayloadTooLargeError,
    encode_payload,
    inline_payload,
)


def test_the_limits_are_those_of_the_design() -> None:
    assert (INLINE_LIMIT_BYTES, MAX_PAYLOAD_BYTES) == (8192, 104_857_600)


@pytest.mark.parametrize(("size", "inline"), [(8191, True), (8192, True), (8193, False)])
def test_up_to_8_kilobytes_of_json_travel_in_the_record(size: int, inline: bool) -> None:
    text = encode_payload("x" * (size - 2))
    payload = inline_payload(text)
    assert (len(text), payload is not None) == (size, inline)
    if payload:
        assert (payload.size, payload.inline, payload.key) == (size, text.decode(), None)


def test_size_is_counted_in_bytes_and_not_in_characters() -> None:
    assert inline_payload(encode_payload("é" * 4095)) is not None
    assert inline_payload(encode_payload("é" * 4096)) is None
    assert inline_payload(encode_payload("🌊" * 2048)) is None


def test_a_value_of_more_than_100_megabytes_is_refused_with_its_size() -> None:
    value = ["x" * 1_048_576] * 100
    with pytest.raises(PayloadTooLargeError, match=r"104,857,[0-9]{3} bytes of JSON; at most 104,857,600") as raised:
        encode_payload(value)
    assert raised.value.size == 100 * (1_048_576 + 3) + 1


def test_what_json_cannot_say_is_no_payload() -> None:
    with pytest.raises(NotJsonError):
        encode_payload({"n": float("nan")})
