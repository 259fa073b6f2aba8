"""What functions have kept in memory of a stack, forgotten when it ends: names of its tables, clients, keys.

On AWS each stack has processes of its own; here the next one may be made in the same.
"""

import functools
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

CACHED = functools._lru_cache_wrapper
INSTALLED = "/site-packages/"  # a folder of functions may hold an environment


@contextmanager
def forgotten_afterwards(folders: Iterable[Path]) -> Iterator[None]:
    """Everything that a module from these folders keeps by `functools.cache`."""
    places = tuple(f"{folder}/" for folder in folders)
    try:
        yield
    finally:
        for module in [*sys.modules.values()]:
            file = getattr(module, "__file__", None) or ""
            if file.startswith(places) and INSTALLED not in file:
                _forget(module)


def _forget(module: ModuleType) -> None:
    for value in vars(module).values():
        if isinstance(value, CACHED):
            value.cache_clear()
