"""`make demo`: an example on real input, over real HTTP, with every exchange printed.

Exits 0 only when all that the example shows came out as it should.
"""

import argparse
import logging
import sys
from importlib import import_module

from local.demo import control_flow, own_functions

EXAMPLES = (
    *("webpage_summary", "stores", "wave", "courier", "http_request", "approval"),
    *control_flow.NAMES,
    *own_functions.NAMES,
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--example", default=EXAMPLES[0], choices=EXAMPLES)
    parser.add_argument("--url", help="the page of webpage_summary")
    arguments = parser.parse_args()
    for noisy in ("moto", "waitress"):  # that a run has failed, as some here are to, and that requests have queued
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    if arguments.example in control_flow.NAMES:
        succeeded = control_flow.run(arguments.example)
    elif arguments.example in own_functions.NAMES:
        succeeded = own_functions.run(arguments.example)
    else:
        succeeded = import_module(f"local.demo.{arguments.example}").run(arguments.url)
    print("The demo came out as it should." if succeeded else "The demo did not come out as it should.")
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
