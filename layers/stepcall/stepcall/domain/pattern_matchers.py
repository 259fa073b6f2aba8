"""The matchers of event patterns, `{"prefix": "my."}` and the like: what is wrong with one.

Source: docs.aws.amazon.com/eventbridge, "Comparison operators for use in event patterns"; github.com/aws/event-ruler.
"""

import ipaddress
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stepcall.domain.errors import Problem, list_names, shorten
from stepcall.domain.template import escape_pointer
from stepcall.domain.type_check import Suggest
from stepcall.domain.types import describe_value

MAX_NUMBER = 5e9
IGNORE_CASE = "equals-ignore-case"
ANYTHING_BUT = "anything-but"
_WILDCARD = re.compile(r"(?:[^\\]|\\[\\*])*", re.DOTALL)
_CONSECUTIVE = re.compile(r"(?<!\\)(?:\\\\)*\*\*")
_LOWER, _UPPER = (">", ">="), ("<", "<=")


def is_matcher_name(name: str) -> bool:
    return name in _CHECKS


def check_matcher(matcher: Mapping[str, Any], place: str, suggest: Suggest) -> Iterator[Problem]:
    """An object in an array of a pattern."""
    if len(matcher) != 1:
        message = "A matcher has exactly one key; several matchers stand beside each other in the array."
        yield Problem(place, "invalid_matcher", message, list_names(_CHECKS), describe_value(matcher))
        return
    [(name, value)] = matcher.items()
    at = f"{place}/{escape_pointer(name)}"
    if check := _CHECKS.get(name):
        yield from check(value, at)
    else:
        message = f"There is no matcher `{shorten(name)}`{suggest(name, _CHECKS)}"
        yield Problem(at, "unknown_matcher", message, list_names(_CHECKS))


def _invalid(place: str, words: str, value: Any) -> Problem:
    return Problem(place, "invalid_matcher", f"This must be {words}, not {describe_value(value)}.", words)


def _check_text(value: Any, place: str) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield _invalid(place, "text", value)


def _check_some_text(value: Any, place: str) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield _invalid(place, "text", value)
    elif not value:
        yield Problem(place, "invalid_matcher", "This must not be empty: nothing would be left to match.")


def _check_affix(value: Any, place: str) -> Iterator[Problem]:
    """Of `prefix` and `suffix`: text, or text whatever its case."""
    if isinstance(value, dict) and [*value] == [IGNORE_CASE]:
        yield from _check_some_text(value[IGNORE_CASE], f"{place}/{IGNORE_CASE}")
    elif not isinstance(value, str):
        yield _invalid(place, f'text, or `{{"{IGNORE_CASE}": "…"}}`', value)


def _check_wildcard(value: Any, place: str) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield _invalid(place, "text", value)
        return
    if not _WILDCARD.fullmatch(value):
        message = "After a backslash in a wildcard stands `*` or another backslash, for the character itself."
        yield Problem(place, "invalid_matcher", message)
    if _CONSECUTIVE.search(value):
        yield Problem(place, "invalid_matcher", "Two `*` beside each other match what one does: write one.")


def _check_exists(value: Any, place: str) -> Iterator[Problem]:
    if not isinstance(value, bool):
        yield _invalid(place, "true or false", value)


def _check_cidr(value: Any, place: str) -> Iterator[Problem]:
    words = "a range of addresses such as `10.0.0.0/24` or `2001:db8::/32`"
    if not isinstance(value, str):
        yield _invalid(place, words, value)
    elif "/" not in value or not _is_network(value):
        yield Problem(place, "invalid_matcher", f"This must be {words}.", words)


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_numeric(value: Any, place: str) -> Iterator[Problem]:
    words = '`["=", 5]`, `[">", 0]`, `["<=", 9]` or a range, `[">", 0, "<=", 9]`'
    if not isinstance(value, list) or len(value) not in {2, 4}:
        yield _invalid(place, words, value)
        return
    first, second = value[:2], value[2:]
    allowed = (_LOWER, _UPPER) if second else ((*_LOWER, *_UPPER, "="),)
    for number, ((operator, limit), operators) in enumerate(zip(filter(None, (first, second)), allowed, strict=True)):
        if operator not in operators:
            spelled = ", ".join(f"`{one}`" for one in operators)
            message = f"The comparison here must be one of {spelled}."
            yield Problem(f"{place}/{2 * number}", "invalid_matcher", message, spelled)
        if not _is_number(limit) or abs(limit) > MAX_NUMBER:
            yield _invalid(f"{place}/{2 * number + 1}", "a number from -5e9 to 5e9", limit)
    if second and _is_number(first[1]) and _is_number(second[1]) and first[1] >= second[1]:
        yield Problem(place, "invalid_matcher", "This range is empty: its lower end must be below its upper end.")


def _check_anything_but(value: Any, place: str) -> Iterator[Problem]:
    if isinstance(value, dict):
        yield from _check_negated_matcher(value, place)
    elif isinstance(value, list):
        kinds = {"text" if isinstance(one, str) else "number" if _is_number(one) else "" for one in value}
        if kinds not in ({"text"}, {"number"}):
            words = "an array of one or more texts, or of one or more numbers, not both"
            yield Problem(place, "invalid_matcher", f"This must be {words}.", words)
    elif not isinstance(value, str) and not _is_number(value):
        yield _invalid(place, "text, a number, an array of either, or a matcher", value)


def _check_negated_matcher(value: Mapping[str, Any], place: str) -> Iterator[Problem]:
    [name, *more] = [*value] or [""]
    check = _NEGATED.get(name)
    if check is None or more:
        words = f"one of {', '.join(f'`{known}`' for known in _NEGATED)}, with text or an array of texts"
        yield Problem(
            place, "invalid_matcher", f"The matcher in `{ANYTHING_BUT}` must be {words}.", list_names(_NEGATED)
        )
        return
    said, at = value[name], f"{place}/{name}"
    if not isinstance(said, list):
        yield from check(said, at)
    elif not said:
        yield Problem(at, "invalid_matcher", "An empty array excepts nothing: name a text.")
    else:
        for index, one in enumerate(said):
            yield from check(one, f"{at}/{index}")


Check = Callable[[Any, str], Iterator[Problem]]
_CHECKS: Mapping[str, Check] = {
    "prefix": _check_affix,
    "suffix": _check_affix,
    IGNORE_CASE: _check_text,
    "wildcard": _check_wildcard,
    ANYTHING_BUT: _check_anything_but,
    "numeric": _check_numeric,
    "exists": _check_exists,
    "cidr": _check_cidr,
}
_NEGATED: Mapping[str, Check] = {
    "prefix": _check_some_text,
    "suffix": _check_some_text,
    IGNORE_CASE: _check_text,
    "wildcard": _check_wildcard,
}
