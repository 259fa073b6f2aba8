"""How much work a call is, as a number that is the same on every machine."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def count_calls(work: Callable[[], Any], named: str | None = None) -> int:
    """The calls to functions, Python's and C's, that `work` makes; only those of that name when one is given."""
    number = 0

    def note(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal number
        if event in {"call", "c_call"}:
            name = frame.f_code.co_name if event == "call" else argument.__name__
            number += named is None or name == named

    former = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(former)
    return number
