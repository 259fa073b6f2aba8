"""Logs: one JSON line per fact, with its keys."""

import logging

from aws_lambda_powertools import Logger

logger = Logger(service="stepcall")
# At DEBUG these write what they send and receive: keys, customers' data. Lambda sets the level of all loggers at once.
for talkative in ("botocore", "urllib3", "httpx", "httpx2", "httpcore2", "openai"):
    logging.getLogger(talkative).setLevel(logging.INFO)


def log_fact(event: str, /, **facts: str) -> None:
    """See `use_cases.dependencies.Log`."""
    logger.info(event, extra=facts)
