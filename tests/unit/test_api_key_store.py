"""Keys are stored as hashes."""

import hashlib

import pytest

from stepcall.stores.api_key_store import hash_api_key


def test_a_key_is_stored_as_its_sha_256() -> None:
    assert hash_api_key("sc_abc") == hashlib.sha256(b"sc_abc").hexdigest()


@pytest.mark.parametrize("text", ["", "sc_\ud800", "sc_\x00", "sc_é", "sc_" + "x" * 100_000])
def test_any_text_that_a_stranger_sends_has_a_hash(text: str) -> None:
    assert len(hash_api_key(text)) == 64
    assert hash_api_key(text) != hash_api_key(text + "x")
