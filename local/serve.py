"""`python -m local.serve`: the local stack on a port, until SIGINT or SIGTERM.

stdout gets `ready http://127.0.0.1:PORT` when the service can be used, and a line with the address that takes events
for its buses; everything else goes to stderr.
"""

import argparse
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import TextIO
from urllib.request import ProxyHandler, build_opener

from local.errors import CannotStartError, UnhealthyError
from local.http_server import bind

DEFAULT_PORT = 3000
HEALTH_SECONDS = 20.0
SIGNAL_SECONDS = 0.2  # a signal that the kernel gives to another thread does not wake this one, which handles it
NOISY = ("moto", "botocore", "boto3", "waitress", "samtranslator", "urllib3", "s3transfer")


def main(arguments: list[str] | None = None) -> int:
    """1, after one sentence on stderr, when the stack cannot start. Otherwise the process ends by a signal, with 0."""
    options = _parser().parse_args(arguments)
    _on_ending(lambda: os._exit(0))
    out, sys.stdout = sys.stdout, sys.stderr  # what functions print is log, as on Lambda
    try:
        bind(options.port).close()  # to refuse at once rather than after seconds of imports
        _serve(options, out)
    except CannotStartError as exc:
        print(f"The local stack cannot start: {exc}", file=sys.stderr)
    return 1


def _serve(options: argparse.Namespace, out: TextIO) -> None:
    gc.disable()  # until the stack has started
    from local.own_functions import OwnFunction  # noqa: PLC0415 - see below
    from local.stack import EVENTS_PREFIX, LocalStack, log_level  # noqa: PLC0415 - seconds of imports, which a signal may end

    _configure_logs(log_level())
    stack = LocalStack(
        port=options.port, allowed_hosts=options.allow_host, own=[*map(OwnFunction.read, options.function)]
    )
    stack.start()
    _require_health(stack.url)
    ended = threading.Event()
    _on_ending(ended.set)
    print(f"ready {stack.url}\nevents {stack.url}{EVENTS_PREFIX}", file=out, flush=True)
    while not ended.wait(SIGNAL_SECONDS):
        pass
    stack.wind_down()
    os._exit(0)  # all that the stack holds is in memory, and handlers that still run could not be ended otherwise


def _on_ending(call: Callable[[], None]) -> None:
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda _signal, _frame: call())


def _require_health(url: str) -> None:
    """Raises UnhealthyError when the service does not answer, or not with 200."""
    direct = build_opener(ProxyHandler({}))
    try:
        with direct.open(f"{url}/health", timeout=HEALTH_SECONDS) as answer:
            answer.read()
    except OSError as exc:
        raise UnhealthyError(f"GET /health fails: {exc}.") from exc


def _configure_logs(level: str) -> None:
    """On the handler, because what functions import may set the levels of loggers."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    if level != "DEBUG":
        handler.addFilter(lambda record: record.name.partition(".")[0] not in NOISY)
    logging.basicConfig(level=level, handlers=[handler])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.serve", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="a private host that Web.Download may fetch; may be given again",
    )
    parser.add_argument(
        "--function",
        action="append",
        default=[],
        metavar="NAME=FILE:HANDLER",
        help="a Python function that tasks may invoke by this name; may be given again",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
