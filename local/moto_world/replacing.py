"""Put something in the place of an attribute of moto's, for as long as a local stack runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[Any]:
    """`owner.name` is `value` inside. Yields what stood there; raises AttributeError when nothing did: moto changed."""
    original = getattr(owner, name)
    own = vars(owner).get(name)
    setattr(owner, name, value)
    try:
        yield original
    finally:
        if own is None:
            delattr(owner, name)
        else:
            setattr(owner, name, own)


@contextmanager
def added(owner: Any, name: str, value: Any) -> Iterator[None]:
    """`owner.name` is `value` inside. Raises AttributeError when another one is there: moto changed."""
    if getattr(owner, name, value) is not value:
        raise AttributeError(f"{owner!r} has its own {name!r} now.")
    was_there = hasattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if not was_there:
            delattr(owner, name)
