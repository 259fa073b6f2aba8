"""Random workflows of all that tasks may say, on the interpreter: what comes of them is what was reckoned."""

import pytest

from tests.functional.conftest import Api
from tests.functional.test_graph_order import statuses
from tests.random_workflows import random_workflow

SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_workflow_comes_to_what_was_reckoned(api: Api, seed: int) -> None:
    drawn = random_workflow(seed)
    done = api.run(api.define(**drawn.document()), drawn.given())
    assert done["status"] == "COMPLETED", done
    assert statuses(done) == drawn.statuses()
    assert done["output"]["outputs"] == drawn.outputs()
