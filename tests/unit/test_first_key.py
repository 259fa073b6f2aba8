"""The key that a deployment begins with: from a secret, and never asked for at each guess."""

from dataclasses import dataclass, field
from uuid import UUID

import pytest

from stepcall.aws.secrets import SecretNotReadableError
from stepcall.domain.access import ALL_SCOPES
from stepcall.runtime.authentication import CACHE_SECONDS, Authenticator, KnownKeys, UnauthenticatedError
from stepcall.runtime.first_key import KEPT_SECONDS, READ_EVERY_SECONDS, SecretFirstKey, first_key_id
from stepcall.stores.memory_api_key_store import MemoryApiKeyStore
from tests.api_keys import api_key
from tests.clock import Clock

TEXT = "sc_of_the_secret"


@dataclass
class Secret:
    """A secret that counts how often it is read; None cannot be read."""

    value: str | None = "of_the_secret"
    reads: int = 0

    def read(self) -> str:
        self.reads += 1
        if self.value is None:
            raise SecretNotReadableError("The secret cannot be read.")
        return self.value


@dataclass
class World:
    secret: Secret = field(default_factory=Secret)
    clock: Clock = field(default_factory=Clock)
    keys: MemoryApiKeyStore = field(default_factory=MemoryApiKeyStore)

    def __post_init__(self) -> None:
        first = SecretFirstKey(self.secret.read, "default", self.clock.monotonic)
        self.known = KnownKeys(self.keys, self.clock.monotonic, self.clock.now, first)
        self.authenticator = Authenticator(self.known)

    def is_known(self, text: str) -> bool:
        try:
            self.authenticator.authenticate({"x-api-key": text}, {})
        except UnauthenticatedError:
            return False
        return True


@pytest.fixture
def world() -> World:
    return World()


def test_the_first_key_has_every_scope_in_its_tenant_and_a_limit(world: World) -> None:
    caller = world.authenticator.authenticate({"x-api-key": TEXT}, {})
    assert (caller.tenant, caller.principal, caller.scopes, caller.grants) == ("default", "first-key", ALL_SCOPES, None)
    assert caller.rate_limit is not None


@pytest.mark.parametrize("text", ["sc_", "sc_of_the_secre", TEXT + "x", TEXT.upper(), "of_the_secret", "sc_\ud800", ""])
def test_nothing_else_is_the_first_key(world: World, text: str) -> None:
    assert not world.is_known(text)


def test_a_thousand_guesses_read_the_secret_once(world: World) -> None:
    for number in range(1000):
        assert not world.is_known(f"sc_{number}")
        world.clock.sleep((READ_EVERY_SECONDS - 1) / 1000)
    assert world.secret.reads == 1


def test_a_secret_that_cannot_be_read_is_no_key_and_not_asked_for_at_each_guess_either(world: World) -> None:
    world.secret.value = None
    for text in ("sc_", TEXT, "sc_None", "sc_guess"):
        assert not world.is_known(text)
    assert world.secret.reads == 1
    world.secret.value = "of_the_secret"
    world.clock.sleep(READ_EVERY_SECONDS)
    assert world.is_known(TEXT)


def test_a_key_of_the_table_does_not_need_the_secret(world: World) -> None:
    world.keys.put(api_key("sc_stored"))
    assert world.is_known("sc_stored")
    assert world.secret.reads == 0


def test_a_secret_that_has_been_changed_counts_within_a_minute(world: World) -> None:
    assert world.is_known(TEXT)
    world.secret.value = "another"
    world.clock.sleep(READ_EVERY_SECONDS - 1)
    world.is_known(TEXT)
    world.clock.sleep(CACHE_SECONDS + 2)
    assert READ_EVERY_SECONDS + CACHE_SECONDS < 60
    assert not world.is_known(TEXT)
    assert world.is_known("sc_another")


def test_tokens_may_be_of_the_first_key_and_of_its_tenant_only(world: World) -> None:
    key_id = first_key_id(TEXT)
    assert world.known.of_id("default", key_id) == world.known.of_text(TEXT)
    for tenant, other in (("other", key_id), ("default", UUID(int=0)), ("default", first_key_id("sc_"))):
        with pytest.raises(UnauthenticatedError):
            world.known.of_id(tenant, other)


def test_tokens_of_the_first_key_end_within_a_minute_after_its_secret_is_changed(world: World) -> None:
    before = world.known.of_text(TEXT).key_id
    world.known.of_id("default", before)
    world.secret.value = "another"
    world.clock.sleep(READ_EVERY_SECONDS - 1)
    world.known.of_id("default", before)
    world.clock.sleep(CACHE_SECONDS + 2)
    with pytest.raises(UnauthenticatedError):
        world.known.of_id("default", before)
    assert world.known.of_id("default", first_key_id("sc_another"))


def test_a_first_key_whose_secret_was_changed_makes_no_key_from_memory(world: World) -> None:
    key_id = world.known.of_text(TEXT).key_id
    assert world.known.of_id_anew("default", key_id)
    world.secret.value = "another"
    with pytest.raises(UnauthenticatedError):
        world.known.of_id_anew("default", key_id)


def test_a_first_key_that_cannot_be_read_anew_is_not_believed_but_not_lost_either(world: World) -> None:
    key_id = world.known.of_text(TEXT).key_id
    world.secret.value = None
    with pytest.raises(UnauthenticatedError):
        world.known.of_id_anew("default", key_id)
    assert world.is_known(TEXT)


def test_one_failed_read_does_not_turn_the_first_key_off(world: World) -> None:
    assert world.is_known(TEXT)
    world.secret.value = None
    world.clock.sleep(CACHE_SECONDS + 1)
    assert world.is_known(TEXT)
    assert world.secret.reads == 2
    world.clock.sleep(KEPT_SECONDS)
    assert not world.is_known(TEXT)


def test_nothing_is_written_down_of_the_first_key(world: World) -> None:
    assert world.is_known(TEXT)
    assert world.keys.list_by_tenant("default", limit=9, after=None).keys == []
