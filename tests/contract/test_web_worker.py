"""The web worker does the tasks that the catalog gives it, and loads no more than it needs."""

import subprocess
import sys
from typing import get_type_hints

from run_web_task.app import implementations
from stepcall.domain.task_contract import Worker
from stepcall.tasks.catalog import CATALOG

HEAVY = ("trafilatura", "lxml", "htmldate", "justext", "dateparser", "charset_normalizer", "idna")


def test_it_does_every_task_that_the_catalog_gives_it_and_no_other() -> None:
    assert set(implementations()) == {name for name, contract in CATALOG.items() if contract.worker is Worker.WEB}


def test_its_functions_take_and_give_the_models_of_the_contracts() -> None:
    for name, implementation in implementations().items():
        hints = get_type_hints(implementation.func)  # type: ignore[attr-defined]
        assert hints["task_input"] is CATALOG[name].input_model
        assert hints["return"] is CATALOG[name].output_model


def test_loading_it_loads_no_heavy_library_and_wants_no_environment() -> None:
    code = f"import sys; import run_web_task.app; print([name for name in {HEAVY!r} if name in sys.modules])"
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
