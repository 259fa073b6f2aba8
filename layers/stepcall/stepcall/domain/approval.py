"""A task that asks a person: what its author says of the answer, and what fits that."""

from collections.abc import Mapping
from typing import Any

from stepcall.domain.errors import Problem
from stepcall.domain.json_schema import SCHEMAS, Schema
from stepcall.domain.model_problems import Suggester
from stepcall.domain.schema_reader import SchemaReader
from stepcall.domain.type_check import faults_of
from stepcall.domain.types import ValueType

FLOW_APPROVAL = "Flow.Approval"
DEFAULT_EXPIRES_IN = 7 * 24 * 60 * 60
"""Seconds."""
MAX_MESSAGE = 2000
ANY_DATA = SCHEMAS[ValueType.OBJECT]


def expires_in(given: Mapping[str, Any]) -> int:
    """For how many seconds a checked task's input lets people decide."""
    seconds = given.get("expires_in")
    return DEFAULT_EXPIRES_IN if seconds is None else int(seconds)


def problems_of_data(data: Any, given: Mapping[str, Any]) -> list[Problem]:
    """What of a decision's data does not fit what a checked task's input asks for, at `/data` and below."""
    schema = given.get("output_schema")
    wanted: Schema = ANY_DATA if schema is None else SchemaReader().read(schema)
    return [fault.at("/data") for fault in faults_of(data, wanted, Suggester())]
