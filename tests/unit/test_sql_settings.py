"""What a deployer chooses for SQL tasks, and how much of the function a query gets."""

import pytest

from run_sql_task.engine.limits import MEGABYTE, Limits, limits_for
from run_sql_task.settings import SqlSettings


def test_lambda_tells_the_memory_and_without_it_it_is_the_templates() -> None:
    assert SqlSettings.from_env({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008"}) == SqlSettings(3008)
    assert SqlSettings.from_env({}) == SqlSettings(1769)


@pytest.mark.parametrize(("function_mb", "query_mb"), [(1769, 1469), (512, 256), (10_240, 9940)])
def test_a_query_gets_what_the_worker_leaves(function_mb: int, query_mb: int) -> None:
    limits = limits_for(function_mb)
    assert limits.memory == query_mb * MEGABYTE
    assert limits.buffers < limits.memory
    assert limits.threads >= 1


def test_limits_that_leave_nothing_beside_the_buffers_are_a_fault() -> None:
    with pytest.raises(ValueError, match="besides its buffers"):
        Limits(memory=MEGABYTE, buffers=MEGABYTE)
