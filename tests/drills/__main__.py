"""`make drill`: every crash point and every disturbance, and a table of what survived; 1 when something was lost."""

import logging
import sys
import time

from tests.drills.campaign import report, run_campaign
from tests.drills.disturbances import DISTURBANCES
from tests.drills.stories import SCENARIOS
from tests.drills.world import drill_world


def main() -> int:
    logging.disable(logging.CRITICAL)  # every harm is logged by whom it meets, as it should be
    began = time.monotonic()
    with drill_world() as world:
        done = run_campaign(world, SCENARIOS, DISTURBANCES, lambda line: print(line, flush=True))
    for line in report(done):
        print(line)
    print(f"in {time.monotonic() - began:.0f} s")
    return int(any(drilled.losses for drilled in done))


if __name__ == "__main__":
    sys.exit(main())
