"""The fixture service on the local stack, in a process of its own: `python -m tests.local.fixture_service`.

Prints its URL and serves until its stdin is closed.
"""

import sys
from pathlib import Path

from local.stack import LocalStack

HERE = Path(__file__).parent


def main() -> None:
    out, sys.stdout = sys.stdout, sys.stderr
    with LocalStack(template=HERE / "template.yaml", code=[HERE / "functions"]) as stack:
        print(stack.url, file=out, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
