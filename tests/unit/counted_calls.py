"""How much work a call is, as a number that is the same on every machine."""

import math
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


class TooManyCallsError(Exception):
    """`work` was stopped: it might never have ended."""


def count_calls(work: Callable[[], Any], named: str | None = None, at_most: float = math.inf) -> int:
    """The calls to functions, Python's and C's, that `work` makes; only those of that name when one is given.

    Raises TooManyCallsError as soon as there are more than `at_most`.
    """
    number = 0

    def note(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal number
        if event in {"call", "c_call"}:
            name = frame.f_code.co_name if event == "call" else argument.__name__
            number += named is None or name == named
            if number > at_most:
                raise TooManyCallsError(f"More than {at_most:,} calls.")

    former = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(former)
    return number
