"""How the native face shows a workflow without running it. Imported when it is asked for: a cold start has no time."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Literal

from aws_lambda_powertools.event_handler import Response

from stepcall.asl.compiler import CompiledWorkflow
from stepcall.domain.errors import Problem
from stepcall.domain.run_mode import RunMode
from stepcall.domain.workflow import WorkflowVersion
from stepcall.drawing.graph import graph_of
from stepcall.drawing.mermaid import print_mermaid
from stepcall.drawing.svg import print_svg
from stepcall.runtime.http import JSON
from stepcall.use_cases.validate_workflow import Validation
from workflows_api.requests import VersionQuery

Json = dict[str, Any]
MERMAID = "text/vnd.mermaid"
SVG = "image/svg+xml"
# the picture has a style of its own; nothing else is loaded or run, also where a browser opens it as a page
SVG_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


class GraphQuery(VersionQuery):
    """The query of `GET /workflows/{id}/graph`."""

    format: Literal["mermaid", "svg"] | None = None


class MachineQuery(VersionQuery):
    """The query of `GET /workflows/{id}/definition`."""

    run_mode: RunMode = RunMode.FULL


def print_validation(validation: Validation) -> Json:
    told: Json = {
        "valid": not validation.errors,
        "errors": _print_problems(validation.errors),
        "warnings": _print_problems(validation.warnings),
    }
    if validation.compiled and validation.limits:
        told |= {"limits": validation.limits.to_json(), "definition": json.loads(validation.compiled.definition)}
    return told


def answer_machine(compiled: CompiledWorkflow) -> Response[str]:
    """The machine's own bytes: their hash names it."""
    return Response(HTTPStatus.OK.value, JSON, compiled.definition, headers={"ETag": f'"{compiled.content_hash}"'})


def answer_graph(version: WorkflowVersion, query: GraphQuery, headers: Mapping[str, str]) -> Response[str]:
    """SVG where the query or, without one, `Accept` asks for it; Mermaid otherwise."""
    graph, vary = graph_of(version.definition), {"Vary": "Accept"}
    if query.format == "svg" or (query.format is None and _prefers_svg(headers.get("accept", ""))):
        return Response(HTTPStatus.OK.value, SVG, print_svg(graph), headers=SVG_POLICY | vary)
    return Response(HTTPStatus.OK.value, f"{MERMAID}; charset=utf-8", print_mermaid(graph), headers=vary)


def _print_problems(problems: Iterable[Problem]) -> list[dict[str, str]]:
    return [problem.to_json() for problem in problems]


def _prefers_svg(accept: str) -> bool:
    """Whether `Accept` names SVG, and Mermaid not before it; wildcards mean that either will do."""
    quality = {MERMAID: 0.0, SVG: 0.0}
    for element in accept.lower().split(","):
        media_type, _, parameters = element.partition(";")
        if (name := media_type.strip()) in quality:
            quality[name] = _quality(parameters)
    return quality[SVG] > quality[MERMAID]


def _quality(parameters: str) -> float:
    """The `q` of a media range (RFC 9110, section 12.4.2): 1 unless it says otherwise, 0 for what is no number."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            digits = value.strip()
            return float(digits) if digits.replace(".", "", 1).isdecimal() else 0.0
    return 1.0
