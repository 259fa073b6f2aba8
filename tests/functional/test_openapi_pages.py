"""What the service says of itself over HTTP: its description, the page to read it on, and each workflow's own."""

import gzip
import re
import urllib.request
from html.parser import HTMLParser

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from local.stack import LocalStack
from tests.functional.conftest import Api
from workflows_api.describe.page import FILES

GATEWAY_LIMIT = 6 * 1024 * 1024


@pytest.fixture
def anybody(stack: LocalStack) -> Api:
    """Without a key."""
    return Api(stack.url, key=None)


class Links(HTMLParser):
    """What a page loads, and whether it has scripts or styles of its own."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in {"script", "link", "img", "iframe"}:
            self.loaded.append(named.get("src") or named.get("href") or "")
        self.inline += [name for name in named if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in named):
            self.inline.append(tag)


def test_anybody_may_read_the_description(anybody: Api) -> None:
    answer = anybody("GET", "/openapi.json")
    validate(answer.json)
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert [server["url"] for server in answer.json["servers"]] == ["/"]


def test_the_page_loads_nothing_but_its_own_files_and_runs_nothing_inline(anybody: Api) -> None:
    page = anybody("GET", "/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    links = Links(page.text)
    assert links.inline == []
    assert {link for link in links.loaded if not link.startswith("data:")} == {f"docs/{name}" for name in FILES}
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_page_is_served_within_the_gateways_limit(anybody: Api, name: str) -> None:
    answer = anybody("GET", f"/docs/{name}")
    assert answer.status == 200
    assert answer.headers["content-type"].split(";")[0] == FILES[name].media_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "public, max-age=86400"
    assert len(answer.text.encode()) < GATEWAY_LIMIT
    assert answer.text == FILES[name].path.read_text()


def test_the_page_calls_what_the_bundle_defines(anybody: Api) -> None:
    start, bundle = anybody("GET", "/docs/start.js").text, anybody("GET", "/docs/swagger-ui-bundle.js").text
    assert re.findall(r"^(\w+)\(", start, re.MULTILINE) == ["SwaggerUIBundle"]
    assert "SwaggerUIBundle" in bundle
    assert "Apache License" in anybody("GET", "/docs").text


def test_a_browser_gets_the_bundle_compressed(stack: LocalStack) -> None:
    request = urllib.request.Request(f"{stack.url}/docs/swagger-ui-bundle.js", headers={"accept-encoding": "gzip, br"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["vary"] == "Accept-Encoding"
        body = answer.read()
    assert len(body) < 600_000
    assert gzip.decompress(body).decode() == FILES["swagger-ui-bundle.js"].path.read_text()


@pytest.mark.parametrize("name", ["swagger-ui.js.map", "..%2Fpage.py", "page.html", "%00"])
def test_no_other_file_is_served(anybody: Api, api: Api, name: str) -> None:
    assert anybody("GET", f"/docs/{name}").status in {401, 404}
    assert api("GET", f"/docs/{name}").status == 404


def test_a_workflows_own_description_fits_what_its_execution_takes_and_gives(api: Api) -> None:
    workflow = api.define(
        name="Doubling",
        input=[{"name": "number", "type": "integer"}, {"name": "unit", "type": "string", "default": "m"}],
        tasks=[
            {"ref": "double", "type": "Data.Transform", "input": {"expression": "$ * 2", "data": "{{input.number}}"}}
        ],
        output=[
            {"name": "doubled", "type": "number", "value": "{{refs.double.output.result}}"},
            {"name": "unit", "type": "string", "value": "{{input.unit}}"},
        ],
    )
    described = api("GET", f"/workflows/{workflow}/openapi.json").json
    validate(described)
    execute = described["paths"][f"/workflows/{workflow}/execute"]["post"]
    assert execute["operationId"] == "executeDoubling"
    execution = api.run(workflow, {"number": 21})
    schema = execute["responses"]["200"]["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": described["components"]}).validate(execution)
    output = {"$ref": "#/components/schemas/Output", "components": described["components"]}
    Draft202012Validator(output).validate(execution["output"])
    assert not Draft202012Validator(output).is_valid({"doubled": "42", "unit": "m"})


def test_a_description_is_of_the_version_that_was_asked_for(api: Api) -> None:
    task = {"ref": "a", "type": "Data.Transform", "input": {"expression": "1"}}
    workflow = api.define(name="First", tasks=[task])
    api("PUT", f"/workflows/{workflow}", {"name": "Second", "tasks": [task]})
    path = f"/workflows/{workflow}/openapi.json"
    assert api("GET", path).json["info"]["title"] == "Second"
    assert api("GET", f"{path}?version=1").json["info"] | {"description": ""} == {
        "title": "First",
        "version": "1",
        "description": "",
    }
    assert api("GET", f"{path}?version=3").status == 404
