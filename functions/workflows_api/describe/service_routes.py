"""The routes of the service itself, which need no key."""

from collections.abc import Mapping

from stepcall.runtime.authentication import UnauthenticatedError
from stepcall.runtime.http import RouteNotFoundError
from workflows_api.describe.operations import operation
from workflows_api.describe.page import FILES
from workflows_api.describe.parts import Json, answer, header, ref

CACHED = {"Cache-Control": header("How long this may be kept.", required=True)}


def text_answer(description: str, media_type: str, headers: Mapping[str, Json] | None = None) -> Json:
    return answer(description, headers=headers) | {"content": {media_type: {"schema": {"type": "string"}}}}


SERVICE_PATHS: Json = {
    "/health": {
        "get": operation(
            "getHealth",
            "Whether the service answers",
            {"200": answer("It does.", ref("Health"))},
            tag="Service",
            public=True,
        ),
    },
    "/openapi.json": {
        "get": operation(
            "getOpenapi",
            "This description",
            {"200": answer("OpenAPI 3.1.", ref("OpenApi"), CACHED)},
            tag="Service",
            public=True,
        ),
    },
    "/docs": {
        "get": operation(
            "getDocs",
            "A page to read this description and to try it out",
            {"200": text_answer("The page.", "text/html", CACHED)},
            tag="Service",
            public=True,
        ),
    },
    "/docs/{file_name}": {
        "get": operation(
            "getDocsFile",
            "What the page is made of",
            {
                "200": answer("The file.", headers=CACHED)
                | {"content": {file.media_type: {"schema": {"type": "string"}} for file in FILES.values()}}
            },
            [RouteNotFoundError, UnauthenticatedError],  # a name that no route can have is a stranger's request
            tag="Service",
            public=True,
            parameters=[
                {
                    "name": "file_name",
                    "in": "path",
                    "required": True,
                    "description": "The name of the file.",
                    "schema": {"type": "string", "enum": sorted(FILES)},
                }
            ],
        ),
    },
}
