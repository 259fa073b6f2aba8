"""Two stacks in one process, one after the other: the second must not see what functions have kept of the first."""

import sys
from pathlib import Path

import pytest

from local.kept_values import forgotten_afterwards

MODULE = """
from functools import cache
counted = []
@cache
def table():
    counted.append(1)
    return len(counted)
"""


def test_what_functions_keep_is_forgotten_when_their_stack_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "kept_by_a_function.py").write_text(MODULE)
    (tmp_path / "elsewhere_kept.py").write_text(MODULE)
    for folder in (tmp_path, tmp_path / "functions"):
        monkeypatch.syspath_prepend(folder)
    with forgotten_afterwards([tmp_path / "functions"]):
        function, elsewhere = (__import__(name) for name in ("kept_by_a_function", "elsewhere_kept"))
        assert [function.table(), function.table(), elsewhere.table()] == [1, 1, 1]
    assert (function.table(), elsewhere.table()) == (2, 1)
    for name in ("kept_by_a_function", "elsewhere_kept"):
        del sys.modules[name]
