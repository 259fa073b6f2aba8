"""What only the real `sam local` can show. Where it cannot run, the tests are skipped and say why."""

import pytest

from local.sam_local.needs import first_missing


@pytest.fixture(scope="session", autouse=True)
def sam_local_runs() -> None:
    if missing := first_missing():
        pytest.skip(f"sam local cannot run: {missing}")
