"""docs/run_event.schema.json, which every event of every test is held to."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "run_event.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)


def faults(detail: dict[str, Any]) -> list[str]:
    """What the schema says otherwise, and fields that it says nothing of."""
    unknown = [f"{name} is not described" for name in detail.keys() - SCHEMA["properties"].keys()]
    return unknown + [f"{fault.json_path}: {fault.message}" for fault in VALIDATOR.iter_errors(detail)]
