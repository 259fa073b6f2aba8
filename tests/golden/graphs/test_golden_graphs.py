"""Workflows and their pictures: `X.mmd` and `X.svg` of the golden or example workflow X; open the SVG in a browser.

`STEPCALL_UPDATE_GOLDEN=1` writes them anew; look at the difference before you commit it.
"""

import os
from pathlib import Path

import pytest

from stepcall.domain.json_text import read_json
from stepcall.domain.workflow import WorkflowDefinition
from stepcall.drawing.graph import graph_of
from stepcall.drawing.mermaid import print_mermaid
from stepcall.drawing.svg import print_svg

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]
DRAWN = [ROOT / "examples" / "webpage_summary.json", FOLDER / "twenty_tasks.workflow.json"]


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.name.partition(".")[0])
def test_a_workflow_is_drawn_as_its_golden_picture(path: Path) -> None:
    graph = graph_of(WorkflowDefinition.from_json(read_json(path.read_bytes())))
    for suffix, text in ((".mmd", print_mermaid(graph)), (".svg", print_svg(graph).replace("><", ">\n<"))):
        golden = FOLDER / (path.name.partition(".")[0] + suffix)
        if os.environ.get("STEPCALL_UPDATE_GOLDEN"):
            golden.write_text(text, encoding="utf-8")
        assert golden.read_text(encoding="utf-8") == text
