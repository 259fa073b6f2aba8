"""What functions have kept in memory of a stack, forgotten when it ends: names of its tables, clients, keys.

On AWS each stack has processes of its own; here the next one may be made in the same.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any


@contextmanager
def forgotten_afterwards(folders: Iterable[Path]) -> Iterator[None]:
    """Everything that a module from these folders keeps by `functools.cache`."""
    places = tuple(f"{folder}/" for folder in folders)
    try:
        yield
    finally:
        for module in [*sys.modules.values()]:
            if (getattr(module, "__file__", None) or "").startswith(places):
                for forget in _caches_of(module):
                    forget()


def _caches_of(module: ModuleType) -> Iterator[Callable[[], Any]]:
    for value in vars(module).values():
        forget = getattr(value, "cache_clear", None)
        if callable(forget):
            yield forget
