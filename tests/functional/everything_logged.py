"""What any logger of this process says: the whole service runs in it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def everything_logged() -> Iterator[list[str]]:
    """What any logger of the process says, at any level."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(f"{self.format(record)} {vars(record)}")

    loggers = [logging.getLogger(), logging.getLogger("stepcall")]
    before, listener = [logger.level for logger in loggers], Listener()
    for logger in loggers:
        logger.addHandler(listener)
        logger.setLevel(logging.DEBUG)
    try:
        yield said
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.removeHandler(listener)
            logger.setLevel(level)
