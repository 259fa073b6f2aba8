"""Put something in the place of somebody else's attribute while a local stack runs. May be done on top of itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NOTHING = object()


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """`owner.name` is `value` inside. Raises AttributeError when nothing stood there: what we correct has changed."""
    if not hasattr(owner, name):
        raise AttributeError(f"{owner!r} no longer has {name!r}.")
    with placed(owner, name, value):
        yield


@contextmanager
def added(owner: Any, name: str, value: Any) -> Iterator[None]:
    """`owner.name` is `value` inside. Raises AttributeError when it was anything else: what we correct has changed."""
    if getattr(owner, name, value) is not value:
        raise AttributeError(f"{owner!r} has its own {name!r} now.")
    with placed(owner, name, value):
        yield


@contextmanager
def placed(owner: Any, name: str, value: Any) -> Iterator[None]:
    """`owner.name` is `value` inside, and whatever it was, inherited or nothing at all, afterwards."""
    own = vars(owner).get(name, NOTHING)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if own is NOTHING:
            delattr(owner, name)
        else:
            setattr(owner, name, own)
