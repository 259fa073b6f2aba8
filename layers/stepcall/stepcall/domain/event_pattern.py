"""Event patterns of EventBridge: everything that is wrong with one, each with its place.

Source: docs.aws.amazon.com/eventbridge, "Comparison operators for use in event patterns"; and for what it does not say,
AWS's own compiler of patterns, github.com/aws/event-ruler.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from stepcall.domain.errors import Problem, first_problems, list_names, shorten
from stepcall.domain.model_problems import Suggester
from stepcall.domain.pattern_matchers import check_matcher, is_matcher_name
from stepcall.domain.template import escape_pointer
from stepcall.domain.trigger import Bus
from stepcall.domain.types import describe_value

MAX_PATTERN_LENGTH = 4096
"""What EventBridge's API takes. An account's quota is 2,048 unless it was raised, which EventBridge says itself."""
MAX_PATTERN_DEPTH = 100
MAX_COMBINATIONS = 1000
EVENT_FIELDS = ("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")
OF_NO_TEXT = frozenset({"detail"})
"""Every other field of an event is text, `resources` an array of texts."""
OR = "$or"
AWS_SOURCE = "aws."
EXAMPLE = '`{"source": ["my.shop"]}`'


def check_pattern(pattern: Any, pointer: str) -> list[Problem]:
    """What is wrong with a pattern of a rule; `pointer` is where it stands."""
    if not isinstance(pattern, dict):
        message = f"A pattern must be an object, as in {EXAMPLE}, not {describe_value(pattern)}."
        return [Problem(pointer, "wrong_type", message, "object", describe_value(pattern))]
    problems = first_problems(_PatternCheck().check(pattern, pointer))
    if not problems and _count_combinations(pattern) > MAX_COMBINATIONS:
        message = f"The `{OR}` of a pattern make at most {MAX_COMBINATIONS} combinations. Make several triggers."
        problems.append(Problem(pointer, "too_many_combinations", message))
    if not problems and (length := len(spell_pattern(pattern))) > MAX_PATTERN_LENGTH:
        message = f"A pattern has at most {MAX_PATTERN_LENGTH} characters as JSON, and this has {length}."
        problems.append(Problem(pointer, "pattern_too_long", message, f"at most {MAX_PATTERN_LENGTH}", str(length)))
    return problems


def spell_pattern(pattern: Mapping[str, Any]) -> str:
    """As EventBridge is sent it, and counts its characters."""
    return json.dumps(pattern, ensure_ascii=False, separators=(",", ":"))


def bus_of(pattern: Mapping[str, Any]) -> Bus:
    """Where the events come that a pattern without faults takes: services of AWS send to the default bus only."""
    return Bus.DEFAULT if takes_aws_only(pattern) else Bus.STEPCALL


def check_bus(pattern: Mapping[str, Any], bus: Bus, pointer: str) -> list[Problem]:
    """What is wrong with a bus that was asked for; `pointer` is where that stands."""
    if bus is Bus.DEFAULT or not takes_aws_only(pattern):
        return []
    message = (
        "Services of AWS send their events to the account's default bus only, and the pattern takes no others: this "
        f"would never fire. Write `{Bus.DEFAULT}`, or leave it out."
    )
    return [Problem(pointer, "never_fires", message, Bus.DEFAULT.value, bus.value)]


def takes_aws_only(pattern: Mapping[str, Any]) -> bool:
    """Whether a pattern without faults takes events of services of AWS only."""
    if sources := pattern.get("source"):
        return all(map(takes_source_of_aws, sources))
    ways = pattern.get(OR)
    return bool(ways) and all(takes_aws_only(way) for way in ways or ())


def takes_source_of_aws(source: Any) -> bool:
    """Whether a value or matcher of `source` takes sources of services of AWS only."""
    if isinstance(source, dict):
        source = source.get("prefix", source.get("wildcard"))
    return isinstance(source, str) and source.startswith(AWS_SOURCE)


class _PatternCheck:
    """One check under way."""

    def __init__(self) -> None:
        self._suggest = Suggester()

    def check(
        self, pattern: Mapping[str, Any], pointer: str, depth: int = 0, *, is_event: bool = True
    ) -> Iterator[Problem]:
        if not pattern:
            message = 'A pattern must not have an empty object: name a field, or `[{"exists": true}]` in its place.'
            yield Problem(
                pointer, "empty_pattern", message if depth else f"A pattern must name a field, as in {EXAMPLE}."
            )
        if depth > MAX_PATTERN_DEPTH:
            yield Problem(pointer, "pattern_too_deep", f"Patterns nest at most {MAX_PATTERN_DEPTH} deep.")
            return
        for name, value in pattern.items():
            place = f"{pointer}/{escape_pointer(name)}"
            if name == OR:
                yield from self._check_or(value, place, depth, is_event=is_event)
            elif is_event and name not in EVENT_FIELDS:
                yield self._unknown_field(name, place)
            else:
                yield from self._check_field(name, value, place, depth, is_event=is_event)

    def _unknown_field(self, name: str, place: str) -> Problem:
        near = self._suggest(name, EVENT_FIELDS)
        message = f"No event has a field `{shorten(name)}`{near} What is an event's own lies in `detail`."
        return Problem(place, "unknown_field", message, list_names(EVENT_FIELDS))

    def _check_field(self, name: str, value: Any, place: str, depth: int, *, is_event: bool) -> Iterator[Problem]:
        if isinstance(value, dict):
            if is_event and name != "detail":
                yield self._not_an_array(value, place, f"An event's `{name}` has no fields")
            elif (
                len(value) == 1
                and is_matcher_name(next(iter(value)))
                and not isinstance(next(iter(value.values())), dict | list)
            ):
                yield self._not_an_array(value, place, "What is matched stands in an array")
            else:
                yield from self.check(value, place, depth + 1, is_event=False)
        elif not isinstance(value, list):
            yield self._not_an_array(value, place, "What is matched stands in an array")
        elif is_event and name == "detail":
            message = 'An event\'s `detail` is an object: name its fields, as in `{"detail": {"state": ["done"]}}`.'
            yield Problem(place, "wrong_type", message, "object", describe_value(value))
        else:
            yield from self._check_values(value, place, are_texts=is_event and name not in OF_NO_TEXT)

    def _not_an_array(self, value: Any, place: str, reason: str) -> Problem:
        message = f"{reason}: write `[…]` around the values or matchers, as in {EXAMPLE}."
        return Problem(place, "wrong_type", message, "array", describe_value(value))

    def _check_values(self, values: list[Any], place: str, *, are_texts: bool) -> Iterator[Problem]:
        if not values:
            yield Problem(
                place, "empty_pattern", "An empty array matches nothing: name a value, or leave the field out."
            )
        for index, value in enumerate(values):
            if isinstance(value, dict):
                yield from check_matcher(value, f"{place}/{index}", self._suggest)
            elif are_texts and not isinstance(value, str):
                message = (
                    f"This never fires, as this field of an event is always text, and not {describe_value(value)}."
                )
                yield Problem(f"{place}/{index}", "wrong_type", message, "string", describe_value(value))
            elif isinstance(value, list):
                message = "This must be text, a number, true, false, null or a matcher, not an array."
                yield Problem(f"{place}/{index}", "wrong_type", message, got=describe_value(value))

    def _check_or(self, ways: Any, place: str, depth: int, *, is_event: bool) -> Iterator[Problem]:
        if not isinstance(ways, list) or len(ways) < 2:
            message = f"`{OR}` must be an array of two objects or more, each of them a pattern."
            yield Problem(place, "wrong_type", message, "array", describe_value(ways))
            return
        for index, way in enumerate(ways):
            if isinstance(way, dict):
                yield from self.check(way, f"{place}/{index}", depth + 1, is_event=is_event)
            else:
                message = f"This must be an object, a pattern as beside `{OR}`, not {describe_value(way)}."
                yield Problem(f"{place}/{index}", "wrong_type", message, "object", describe_value(way))


def _count_combinations(pattern: Any) -> int:
    """How many patterns without `$or` say the same as this one, which has no faults."""
    number = 1
    for name, value in pattern.items() if isinstance(pattern, dict) else ():
        if name == OR and isinstance(value, list):
            number *= max(1, sum(map(_count_combinations, value)))
        else:
            number *= _count_combinations(value)
        if number > MAX_COMBINATIONS:
            return number
    return number
