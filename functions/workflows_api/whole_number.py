"""Whole numbers of JSON, in which 3.0 is one: JSON Schema, 6.1.1. Imported by what reads seldom asked bodies."""

from typing import Any

from pydantic import BeforeValidator


def _drop_point(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


OR_WITH_POINT = BeforeValidator(_drop_point)
"""Behind the bounds of an `Annotated[int, …]`, which the schema of the field shows then."""
