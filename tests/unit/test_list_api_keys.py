"""Pages of API keys for a caller with grants."""

from dataclasses import replace
from uuid import UUID

from stepcall.domain.access import Caller, Grants
from stepcall.use_cases.list_api_keys import list_api_keys
from tests.api_keys import api_key
from tests.unit.run_world import RunWorld

ADMIN = Caller("acme", "admin", "key_admin")
ONE, OTHER = Grants(frozenset({UUID(int=1)})), Grants(frozenset({UUID(int=2)}))


def test_pages_are_of_what_is_granted_and_their_tokens_tell_of_nothing_else() -> None:
    world = RunWorld()
    for number in range(9):
        grants = ONE if number in {1, 4, 8} else OTHER
        world.keys.put(api_key(f"sc_{number}", grants=grants, key_id=UUID(int=number)))
    narrowed = replace(ADMIN, grants=ONE)
    first = list_api_keys(narrowed, world.deps, limit=2, after=None)
    assert ([key.key_id.int for key in first.keys], first.next_key_id) == ([8, 4], UUID(int=4))
    second = list_api_keys(narrowed, world.deps, limit=2, after=first.next_key_id)
    assert ([key.key_id.int for key in second.keys], second.next_key_id) == ([1], None)
    assert len(list_api_keys(ADMIN, world.deps, limit=20, after=None).keys) == 9
