"""The template that `make build` left, with each function's variables as they are in the deployed stack.

SAM's `--env-vars` reaches only what a template declares, and template.yaml shall not declare AWS_ENDPOINT_URL, which is
nobody's business on AWS; `!Ref` of a resource is its logical id under `sam local`. So all values are written out.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from local.lambda_runtime import Function
from local.template_text import parse_template

NAME = "sam_local.{network}.json"  # beside the built template: its paths are relative


def write_template(built: Path, network: str, functions: Iterable[Function], variables: Mapping[str, str]) -> Path:
    """`variables` go to every function, beside its own."""
    values = {function.logical_id: {**variables, **function.variables} for function in functions}
    path = built.with_name(NAME.format(network=network))
    path.write_text(json.dumps(with_variables(parse_template(built.read_text()), values)))
    return path


def with_variables(template: Mapping[str, Any], values: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The functions have these variables and no others."""
    shared = template.get("Globals", {})
    inherited = {name: value for name, value in shared.get("Function", {}).items() if name != "Environment"}
    resources = {
        logical_id: _with_environment(resource, values[logical_id]) if logical_id in values else resource
        for logical_id, resource in template["Resources"].items()
    }
    return {**template, "Globals": {**shared, "Function": inherited}, "Resources": resources}


def _with_environment(function: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    return {**function, "Properties": {**function["Properties"], "Environment": {"Variables": dict(variables)}}}
