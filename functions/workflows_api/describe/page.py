"""The page `/docs`: Swagger UI as Powertools ships it, and a start of our own. Nothing is fetched from elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import aws_lambda_powertools
from aws_lambda_powertools.event_handler import Response

from stepcall.runtime.http import RouteNotFoundError

OWN = Path(__file__).parent
# not by importing the package that they lie in: it loads models for which nobody has a use here
SWAGGER_UI = Path(aws_lambda_powertools.__file__).parent / "event_handler" / "openapi" / "swagger_ui"
SECONDS_KEPT = 24 * 60 * 60
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": f"public, max-age={SECONDS_KEPT}",
        "Vary": "Accept-Encoding",
    }
)


@dataclass(frozen=True, slots=True)
class PageFile:
    path: Path
    media_type: str

    def answer(self) -> Response[str]:
        return Response(
            200, f"{self.media_type}; charset=utf-8", self.path.read_text(encoding="utf-8"), headers=dict(HEADERS)
        )


PAGE = PageFile(OWN / "page.html", "text/html")
FILES: Mapping[str, PageFile] = MappingProxyType(
    {
        "start.js": PageFile(OWN / "start.js", "text/javascript"),
        "swagger-ui-bundle.js": PageFile(SWAGGER_UI / "swagger-ui-bundle.min.js", "text/javascript"),
        "swagger-ui.css": PageFile(SWAGGER_UI / "swagger-ui.min.css", "text/css"),
    }
)


def answer_page() -> Response[str]:
    return PAGE.answer()


def answer_file(name: str) -> Response[str]:
    """One of the page's files. Raises RouteNotFoundError."""
    if name not in FILES:
        raise RouteNotFoundError
    return FILES[name].answer()
