"""First stage of the compiler: what runs, and in which order."""

from stepcall.asl.graph import Plan, TaskStep, plan
from stepcall.asl.parts import Series
from stepcall.domain.task_contract import Worker
from stepcall.tasks.catalog import CATALOG
from tests.sample_workflows import checked, transform, workflow


def test_tasks_run_in_the_documents_order_each_by_its_worker_within_its_time() -> None:
    download = {"ref": "z", "type": "Web.Download", "input": {"url": "https://example.com/"}}
    summarise = {"ref": "a", "type": "OpenAI.Text.Summarize", "input": {"text": "{{refs.z.output.html_content}}"}}
    assert plan(checked(workflow(download, summarise, transform("m"))), CATALOG) == Plan(
        (TaskStep("z", Worker.WEB, 70), TaskStep("a", Worker.AI, 310), TaskStep("m", Worker.DATA, 40)),
        Series((0, 1, 2)),
    )
