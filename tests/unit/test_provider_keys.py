"""Callers' own keys, encrypted for one run."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcall.aws.secrets import SecretsUnavailableError
from stepcall.aws.token_keys import SigningKey
from stepcall.runtime.provider_keys import ProviderKeyLostError, ProviderKeys, UnknownSecretVersionError
from stepcall.use_cases.dependencies import ProviderKeysUnavailableError
from tests.fixed_secret import FixedSecret

RUN_ID, OTHER_RUN_ID = UUID(int=1), UUID(int=2)
KEY = "sk-of-the-caller"


@pytest.fixture
def keys() -> ProviderKeys:
    return ProviderKeys(FixedSecret())


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=512))
def test_a_key_is_read_as_it_was_encrypted(key: str) -> None:
    keys = ProviderKeys(FixedSecret())
    stored = keys.encrypt(RUN_ID, key)
    assert keys.decrypt(RUN_ID, stored) == key
    assert len(stored) == 1 + len("v1") + 12 + len(key) + 16, "length and id of the version, nonce, ciphertext, tag"


def test_what_is_stored_shows_nothing_and_is_never_the_same_twice(keys: ProviderKeys) -> None:
    stored = {keys.encrypt(RUN_ID, KEY) for _ in range(100)}
    assert len(stored) == 100
    assert not any(KEY.encode()[:4] in one for one in stored)


def test_a_key_is_read_for_its_own_run_only(keys: ProviderKeys) -> None:
    with pytest.raises(ProviderKeyLostError, match="for this run"):
        keys.decrypt(OTHER_RUN_ID, keys.encrypt(RUN_ID, KEY))


def test_a_changed_bit_anywhere_is_noticed(keys: ProviderKeys) -> None:
    stored = keys.encrypt(RUN_ID, KEY)
    for place in range(len(stored)):
        changed = bytearray(stored)
        changed[place] ^= 1
        with pytest.raises(ProviderKeyLostError) as caught:
            keys.decrypt(RUN_ID, bytes(changed))
        assert KEY not in str(caught.value)


def test_what_was_cut_short_is_noticed(keys: ProviderKeys) -> None:
    stored = keys.encrypt(RUN_ID, KEY)
    for length in range(len(stored)):
        with pytest.raises(ProviderKeyLostError):
            keys.decrypt(RUN_ID, stored[:length])


def test_another_secret_under_the_same_id_reads_nothing(keys: ProviderKeys) -> None:
    other = ProviderKeys(FixedSecret(v1="b" * 64))
    with pytest.raises(ProviderKeyLostError, match="for this run"):
        other.decrypt(RUN_ID, keys.encrypt(RUN_ID, KEY))


def test_a_key_outlives_one_rotation_of_the_secret_and_not_two(keys: ProviderKeys) -> None:
    stored = keys.encrypt(RUN_ID, KEY)
    assert ProviderKeys(FixedSecret(v2="b" * 64, v1="a" * 64)).decrypt(RUN_ID, stored) == KEY
    with pytest.raises(UnknownSecretVersionError):
        ProviderKeys(FixedSecret(v3="c" * 64, v2="b" * 64)).decrypt(RUN_ID, stored)


def test_the_newest_version_of_the_secret_encrypts() -> None:
    keys = ProviderKeys(FixedSecret(v2="b" * 64, v1="a" * 64))
    assert keys.encrypt(RUN_ID, KEY).startswith(b"\x02v2")


class UnreadSecret(FixedSecret):
    def current(self) -> SigningKey:
        raise SecretsUnavailableError("Not now.")


def test_a_key_that_cannot_be_encrypted_now_is_not_kept_otherwise() -> None:
    with pytest.raises(ProviderKeysUnavailableError) as caught:
        ProviderKeys(UnreadSecret()).encrypt(RUN_ID, KEY)
    assert KEY not in str(caught.value)
