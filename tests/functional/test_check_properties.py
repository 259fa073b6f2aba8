"""Definitions that the check accepts run to an end on the interpreter, and none ends by a value of a wrong type."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from stepcall.tasks.catalog import CATALOG
from tests.functional.conftest import Api, PageServer
from tests.unit.valid_workflows import WIDE_CATALOG, ValidWorkflow, parameters_of, valid_workflows

RUNS = 25
REAL_TYPES = tuple(name for name in CATALOG if name in WIDE_CATALOG)
TEXT = "Tea is a drink of leaves. " * 40
PAGE = f"<html><head><title>Tea</title></head><body><main><p>{TEXT}</p></main></body></html>"
FAILURES = ("No text was found in the page.", "parameters: leave out")
"""How a run may fail: what is generated is of the right type, and no page, or names what a model's task sets itself."""


def generated_runs(page_url: str) -> list[tuple[ValidWorkflow, dict[str, Any]]]:
    """Workflows, and what to call them with."""
    found: list[tuple[ValidWorkflow, dict[str, Any]]] = []

    @settings(max_examples=RUNS, suppress_health_check=[HealthCheck.too_slow])
    @given(st.data())
    def generate(data: st.DataObject) -> None:
        workflow = data.draw(valid_workflows(types=REAL_TYPES, is_sure=True))
        give_real_work(workflow, page_url)
        found.append((workflow, data.draw(parameters_of(workflow))))

    generate()
    return found


def give_real_work(workflow: ValidWorkflow, page_url: str) -> None:
    """Where an address or an expression was made up, one that leads somewhere; a page before what is to be one."""
    for task in workflow.document["tasks"]:
        fields = task.get(workflow.words["task_input"], {})
        if task["type"] == "Data.Transform":
            fields["expression"] = "$"
        elif task["type"] == "Web.Download":
            fields["url"] = page_url
        elif task["type"] == "Web.ExtractText":
            fields["html_content"] = PAGE + fields["html_content"]


def test_what_the_check_accepts_runs_to_an_end_and_gives_what_it_declares(api: Api, page_host: str) -> None:
    PageServer.pages["/tea"] = (200, "text/html; charset=utf-8", PAGE.encode())
    statuses = []
    for workflow, parameters in generated_runs(f"http://{page_host}/tea"):
        defined = api("POST", "/workflows", workflow.document)
        assert defined.status == 201, defined.text
        # When it is called, it ends: `run` fails where it has not after 25 s
        execution = api.run(defined.json["workflow_id"], parameters)
        statuses.append(execution["status"])
        if execution["status"] == "COMPLETED":
            check_outputs(workflow, execution["output"])
        else:
            assert execution["error"]["message"].startswith(FAILURES), (execution, workflow.document)
    assert len(statuses) >= RUNS
    assert statuses.count("COMPLETED") > 0.6 * len(statuses), statuses


def check_outputs(workflow: ValidWorkflow, output: dict[str, Any]) -> None:
    """Null fits any output."""
    for declared in workflow.document.get(workflow.words["output"], []):
        value, kind = output[declared["name"]], declared["type"]
        schema = {"type": "string" if kind == "file" else kind, **declared.get("schema", {})}
        assert value is None or Draft202012Validator(schema).is_valid(value), declared
