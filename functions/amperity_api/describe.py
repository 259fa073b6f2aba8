"""`GET /api/openapi.json`: OpenAPI 3.1 of this face, as it lies beside this module."""

from functools import cache
from pathlib import Path

from aws_lambda_powertools.event_handler import Response

from stepcall.runtime.http import JSON

DOCUMENT = Path(__file__).with_name("openapi.json")


def answer_openapi() -> Response[str]:
    return Response(200, JSON, _document(), headers={"Cache-Control": "public, max-age=300"})


@cache
def _document() -> str:
    return DOCUMENT.read_text(encoding="utf-8")
