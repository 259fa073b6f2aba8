"""Logs: one JSON line per fact, with its keys."""

from aws_lambda_powertools import Logger

logger = Logger(service="stepcall")


def log_fact(event: str, /, **facts: str) -> None:
    """See `use_cases.dependencies.Log`."""
    logger.info(event, extra=facts)
