"""Making, listing and deleting API keys: nobody gives, sees or takes what is beyond their own grants."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from stepcall.domain.access import (
    ALL_SCOPES,
    Grants,
    MissingScopeError,
    NotGrantedError,
    RateLimit,
    Scope,
    SourceGrant,
)
from stepcall.runtime.authentication import CACHE_SECONDS, UnauthenticatedError
from stepcall.stores.api_key_store import ApiKey, UnknownApiKeyError, hash_api_key
from stepcall.use_cases.create_api_key import CreateApiKey, create_api_key
from stepcall.use_cases.delete_api_key import delete_api_key
from stepcall.use_cases.list_api_keys import list_api_keys, read_api_key
from tests.api_keys import api_key
from tests.unit.run_world import RunWorld

OF_ADMIN = api_key("sc_admin", name="admin")
ADMIN = OF_ADMIN.caller
ONE, OTHER = Grants(frozenset({UUID(int=1)})), Grants(frozenset({UUID(int=2)}))
NARROWED = replace(ADMIN, grants=ONE)
OF_A_JOB = replace(ADMIN, run_id=UUID(int=9))


@pytest.fixture
def world() -> RunWorld:
    world = RunWorld()
    world.keys.put(OF_ADMIN)
    return world


def made_by(world: RunWorld, maker: ApiKey, **wish: Any) -> ApiKey:
    world.keys.put(maker)
    return create_api_key(CreateApiKey("more", frozenset({Scope.RUNS_READ}), **wish), maker.caller, world.deps)[0]


def sources(*patterns: str) -> Grants:
    return Grants(sources=tuple(SourceGrant("bq", pattern) for pattern in patterns))


def test_a_new_key_is_all_that_was_asked_for_and_its_text_is_kept_nowhere(world: RunWorld) -> None:
    command = CreateApiKey(
        "nightly",
        frozenset({Scope.RUNS_START, Scope.RUNS_READ}),
        ONE,
        RateLimit(1, 2),
        world.clock.now() + timedelta(days=1),
    )
    key, text = create_api_key(command, ADMIN, world.deps)
    assert world.keys.get(hash_api_key(text)) == key
    assert (key.tenant, key.name, key.scopes, key.grants) == ("acme", "nightly", command.scopes, ONE)
    assert (key.rate_limit, key.expires_at, key.created_at) == (RateLimit(1, 2), command.expires_at, world.clock.now())
    assert text not in repr(key) + repr(world.logged)
    assert world.logged == [
        ("api_key_created", {"tenant": "acme", "key_id": key.caller.key_id, "by": ADMIN.key_id}),
    ]


def test_two_keys_of_the_same_wish_are_two_keys(world: RunWorld) -> None:
    command = CreateApiKey("nightly", frozenset({Scope.RUNS_START}))
    (first, text), (second, other) = (create_api_key(command, ADMIN, world.deps) for _ in range(2))
    assert first.key_id != second.key_id
    assert text != other


@pytest.mark.parametrize("scope", sorted(ALL_SCOPES))
def test_nobody_gives_a_scope_that_they_do_not_have(world: RunWorld, scope: Scope) -> None:
    giver = replace(ADMIN, scopes=ALL_SCOPES - {scope})
    with pytest.raises(MissingScopeError, match=scope):
        create_api_key(CreateApiKey("more", frozenset({Scope.RUNS_READ, scope})), giver, world.deps)
    assert world.keys.list_by_tenant("acme", limit=9, after=None).keys == [OF_ADMIN]


@pytest.mark.parametrize(
    ("own", "given", "allowed"),
    [
        (None, None, True),
        (None, ONE, True),
        (ONE, ONE, True),
        (ONE, None, False),
        (ONE, OTHER, False),
        (ONE, Grants(ONE.workflows | OTHER.workflows), False),
        (Grants(ONE.workflows | OTHER.workflows), ONE, True),
        (ONE, sources("p.d.t"), False),
        (sources("p.d.t"), sources("p.d.t"), True),
        (sources("p.d.t"), sources("p.d.*"), False),
        (sources("p.d.*"), sources("p.d.t"), True),
        (sources("p.d.*"), sources("p.d.*"), True),
        (sources("p.d.*"), sources("p.d.t*"), True),
        (sources("p.d.*"), sources("p.*"), False),
        (sources("p.d.*"), sources("*"), False),
        (sources("*"), sources("p.d.t", "*"), True),
        (sources("a", "b"), sources("b"), True),
        (sources("a", "b"), sources("b", "c"), False),
        (sources("p.*"), Grants(sources=(SourceGrant("pg", "p.d"),)), False),
    ],
)
def test_nobody_gives_takes_or_sees_what_is_beyond_their_own_grants(
    world: RunWorld, own: Grants | None, given: Grants | None, allowed: bool
) -> None:
    caller, key = replace(ADMIN, grants=own), api_key("sc_there", grants=given)
    world.keys.put(key)
    listed = list_api_keys(caller, world.deps, limit=9, after=None).keys
    assert [one for one in listed if one != OF_ADMIN] == ([key] if allowed else [])
    if allowed:
        create_api_key(CreateApiKey("one", frozenset({Scope.RUNS_READ}), given), caller, world.deps)
        assert read_api_key(key.key_id, caller, world.deps) == key
        delete_api_key(key.key_id, caller, world.deps)
        return
    with pytest.raises(NotGrantedError):
        create_api_key(CreateApiKey("one", frozenset({Scope.RUNS_READ}), given), caller, world.deps)
    with pytest.raises(NotGrantedError):
        read_api_key(key.key_id, caller, world.deps)
    with pytest.raises(NotGrantedError):
        delete_api_key(key.key_id, caller, world.deps)
    assert world.keys.get_by_id("acme", key.key_id) == key


def test_a_token_that_reads_one_run_manages_no_key(world: RunWorld) -> None:
    key = api_key("sc_there", grants=Grants())
    world.keys.put(key)
    assert list_api_keys(OF_A_JOB, world.deps, limit=9, after=None).keys == []
    with pytest.raises(NotGrantedError):
        delete_api_key(key.key_id, OF_A_JOB, world.deps)
    with pytest.raises(NotGrantedError):
        create_api_key(CreateApiKey("one", frozenset({Scope.RUNS_READ}), Grants()), OF_A_JOB, world.deps)


def test_another_tenants_key_is_not_there_before_anything_is_said_of_grants(world: RunWorld) -> None:
    key = api_key("sc_there", "other", grants=OTHER)
    world.keys.put(key)
    for caller in (ADMIN, NARROWED, OF_A_JOB):
        with pytest.raises(UnknownApiKeyError):
            read_api_key(key.key_id, caller, world.deps)
        with pytest.raises(UnknownApiKeyError):
            delete_api_key(key.key_id, caller, world.deps)
    assert world.keys.get_by_id("other", key.key_id) == key


def test_a_deleted_key_is_logged_by_its_id(world: RunWorld) -> None:
    key = api_key("sc_there")
    world.keys.put(key)
    delete_api_key(key.key_id, ADMIN, world.deps)
    assert world.logged == [("api_key_deleted", {"tenant": "acme", "key_id": key.caller.key_id, "by": ADMIN.key_id})]


def test_a_key_that_was_deleted_elsewhere_makes_no_key_while_it_is_still_remembered(world: RunWorld) -> None:
    maker = api_key("sc_maker")
    world.keys.put(maker)
    caller = world.keys_in_use.of_text("sc_maker").caller
    world.keys.delete("acme", maker.key_id)  # by another process
    world.clock.sleep(CACHE_SECONDS / 2)
    assert world.keys_in_use.of_text("sc_maker") == maker
    with pytest.raises(UnauthenticatedError):
        create_api_key(CreateApiKey("survivor", frozenset({Scope.KEYS_MANAGE})), caller, world.deps)
    assert world.keys.list_by_tenant("acme", limit=9, after=None).keys == [OF_ADMIN]
    with pytest.raises(UnauthenticatedError):
        world.keys_in_use.of_text("sc_maker")


def test_the_process_that_deletes_a_key_refuses_it_and_its_tokens_at_once(world: RunWorld) -> None:
    key = api_key("sc_there")
    world.keys.put(key)
    world.keys_in_use.of_text("sc_there")
    world.keys_in_use.of_id("acme", key.key_id)
    delete_api_key(key.key_id, ADMIN, world.deps)
    with pytest.raises(UnauthenticatedError):
        world.keys_in_use.of_text("sc_there")
    with pytest.raises(UnauthenticatedError):
        world.keys_in_use.of_id("acme", key.key_id)


def test_no_key_outlives_the_key_that_made_it(world: RunWorld) -> None:
    ends = world.clock.now() + timedelta(days=1)
    maker = api_key("sc_maker", expires_at=ends)
    assert made_by(world, maker).expires_at == ends
    sooner = ends - timedelta(hours=1)
    assert made_by(world, maker, expires_at=sooner).expires_at == sooner
    assert made_by(world, maker, expires_at=ends).expires_at == ends
    with pytest.raises(NotGrantedError, match="longer"):
        made_by(world, maker, expires_at=ends + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("own", "asked", "given"),
    [
        (None, None, RateLimit()),
        (None, RateLimit(1000, 1000), RateLimit(1000, 1000)),
        (RateLimit(2, 5), None, RateLimit(2, 5)),
        (RateLimit(2, 50), None, RateLimit(2, 20)),
        (RateLimit(100, 100), None, RateLimit()),
        (RateLimit(2, 5), RateLimit(2, 5), RateLimit(2, 5)),
        (RateLimit(2, 5), RateLimit(1, 1), RateLimit(1, 1)),
        (RateLimit(2, 5), RateLimit(3, 5), None),
        (RateLimit(2, 5), RateLimit(2, 6), None),
    ],
)
def test_no_key_starts_faster_than_the_key_that_made_it(
    world: RunWorld, own: RateLimit | None, asked: RateLimit | None, given: RateLimit | None
) -> None:
    maker = api_key("sc_maker", rate_limit=own)
    if given:
        assert made_by(world, maker, rate_limit=asked).rate_limit == given
        return
    with pytest.raises(NotGrantedError, match="more executions"):
        made_by(world, maker, rate_limit=asked)
