"""What is known, before any run, of the outputs of a workflow that a task executes: whether one can be null."""

from uuid import UUID

import pytest

from stepcall.domain.called_workflow import CalledSchemas, CalledWorkflow
from stepcall.domain.json_schema import Schema
from stepcall.domain.types import JsonType
from stepcall.tasks.catalog import CATALOG
from tests.sample_workflows import Document, checked, declare, give, workflow

PAGE: Document = {"ref": "page", "type": "Web.Download", "input": {"url": "https://example.com"}}
EACH = PAGE | {"for_each": "{{input.urls}}", "input": {"url": "{{item}}"}}
INSTEAD = PAGE | {"fallback": {"type": "Data.Transform", "input": {"expression": "1"}}}


def given(task: Document, value: str, kind: str = "string") -> Schema:
    document = workflow(task, inputs=[declare("urls", "array")], outputs=[give("told", value, kind)])
    schemas = CalledSchemas(CalledWorkflow(UUID(int=1), 1, checked(document), CATALOG))
    return schemas.given.variants[JsonType.OBJECT].properties["told"]


@pytest.mark.parametrize(
    ("task", "value", "kind"),
    [
        (PAGE, "{{refs.page.output.html_content}}", "string"),
        (EACH, "{{refs.page.output[0].html_content}}", "string"),
        (EACH, "{{refs.page.output}}", "array"),
        (INSTEAD, "{{refs.page.output}}", "object"),
        (PAGE, "page: {{refs.page.output.html_content}}", "string"),
    ],
)
def test_what_is_always_there_is_never_null(task: Document, value: str, kind: str) -> None:
    assert not given(task, value, kind).may_be_null


def test_a_default_of_null_is_null() -> None:
    assert given(PAGE, "{{refs.page.output.html_content ?? null}}").may_be_null
