"""`python -m local.sam_local`: `sam local start-api` over the local stack, until SIGINT or SIGTERM.

stdout gets one line, `ready http://127.0.0.1:PORT`, when the service can be used; everything else goes to stderr.
`--check` only says what is missing, if anything.
"""

import argparse
import signal
import sys
import time
from types import FrameType

from local.errors import CannotStartError, SamLocalError
from local.http_server import bind
from local.sam_local.needs import first_missing

DEFAULT_PORT = 3001
SIGNAL_SECONDS = 0.2  # a signal that the kernel gives to another thread does not wake this one, which handles it


def main(arguments: list[str] | None = None) -> int:
    """1, after one sentence on stderr, when it cannot start. Otherwise it ends by a signal, with 0."""
    options = _parser().parse_args(arguments)
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, _end)
    try:
        if missing := first_missing():
            raise SamLocalError(missing)
        if not options.check:
            _serve(options.port, options.allow_host)
    except CannotStartError as exc:
        print(f"sam local cannot start: {exc}", file=sys.stderr)
        return 1
    return 0


def _serve(port: int, allowed_hosts: list[str]) -> None:
    bind(port).close()  # to refuse at once rather than after seconds of imports
    from local.sam_local.start_api import require_alive, start_api  # noqa: PLC0415 - seconds of imports, which a signal may end
    from local.sam_local.world import sam_world  # noqa: PLC0415

    with sam_world(allowed_hosts) as world, start_api(world, port, log=sys.stderr.fileno()) as api:
        print(f"ready {api.url}", flush=True)
        print(f"Its AWS: aws --endpoint-url {world.aws} …", file=sys.stderr)
        while True:
            require_alive(api.process)
            time.sleep(SIGNAL_SECONDS)


def _end(_signal: int, _frame: FrameType | None) -> None:
    """Leaves every context on its way out; a second signal must not keep it from that."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_IGN)
    sys.exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.sam_local", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--allow-host", action="append", default=[], metavar="HOST:PORT", help="as for local.serve")
    parser.add_argument("--check", action="store_true", help="say what is missing on this machine, and end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
