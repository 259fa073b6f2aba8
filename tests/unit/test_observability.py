"""What is logged, and what must not be."""

import logging

import pytest

from stepcall.runtime import observability


@pytest.mark.parametrize(
    "name", ["botocore.endpoint", "botocore.parsers", "urllib3.connectionpool", "openai._base_client"]
)
def test_libraries_that_log_what_they_send_do_not_even_at_debug(name: str) -> None:
    assert observability.logger is not None
    assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)
