from pathlib import Path

import pytest

from tests.template.sam_template import ROOT
from tools.lambda_build.build_artifact import read_pins

SHIPPED = [ROOT / "layers" / "stepcall" / "requirements.txt", *sorted((ROOT / "functions").glob("*/requirements.txt"))]


def versions(requirements: Path) -> dict[str, str]:
    """Name → version."""
    return {name: entry.split("==", maxsplit=1)[1].split()[0] for name, entry in read_pins(requirements).items()}


@pytest.mark.parametrize("path", [*SHIPPED, ROOT / "requirements-local.txt"], ids=lambda path: path.parent.name)
def test_a_package_has_the_version_everywhere_that_was_tested(path: Path) -> None:
    tested = versions(ROOT / "requirements-dev.txt")
    pinned = versions(path)
    assert pinned
    assert {name: tested.get(name) for name in pinned} == pinned


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_every_package_on_lambda_is_pinned_by_its_hash(path: Path) -> None:
    assert [name for name, entry in read_pins(path).items() if "--hash=sha256:" not in entry] == []


def test_every_requirements_file_is_read() -> None:
    folders = {path.parent.name for path in SHIPPED}
    assert {"stepcall", "workflows_api", "carto_api"} <= folders
    assert {"run_web_task", "run_ai_task", "run_data_task", "run_sql_task", "deliver_webhook"} <= folders
