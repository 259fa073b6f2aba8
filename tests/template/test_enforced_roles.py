"""The life of `life.py` with moto's IAM switched on and each function in the role that template.yaml gives it.

What moto's enforcement lacks, and what stands in for it, is written down in `enforced_world.py`.
"""

from typing import Any

import pytest

from tests.template.enforced_world import REMOVED
from tests.template.world import told_by


@pytest.fixture(scope="module")
def told() -> Any:
    return told_by("tests.template.enforced_world")


def test_a_whole_life_is_lived_with_the_permissions_of_the_template(told: Any) -> None:
    assert (told["end"], told["refused"]) == ("", [])
    assert {"dynamodb:TransactWriteItems", "s3:PutObject", "states:CreateStateMachine"} <= set(told["asked"])


@pytest.mark.parametrize(("role", "action"), REMOVED, ids=" ".join)
def test_without_one_of_them_it_is_not(told: Any, role: str, action: str) -> None:
    life = told["without"][f"{role} {action}"]
    assert life["refused"] == [action]
    assert life["end"]
