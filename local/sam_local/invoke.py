"""`sam local invoke FUNCTION -e FILE`. It exits with 0 when the function has raised, too: its output says so."""

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

from local.errors import SamLocalError
from local.sam_local.needs import REPOSITORY
from local.sam_local.world import SamWorld

INVOKE_SECONDS = 180


class Invoked(NamedTuple):
    """`payload` as JSON text; nothing of a function that took too long. `log`: what SAM and the function wrote."""

    payload: str
    log: str

    @property
    def has_failed(self) -> bool:
        return not self.payload or is_error(json.loads(self.payload))


def invoke(world: SamWorld, function: str, event: Path) -> Invoked:
    """The function by its logical id. Raises SamLocalError."""
    done = subprocess.run(  # noqa: S603
        [*world.command("invoke", function), "--event", str(event)],
        cwd=REPOSITORY,
        env=world.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=INVOKE_SECONDS,
        start_new_session=True,
    )
    if done.returncode != 0:
        raise SamLocalError(f"sam local invoke {function} has ended with {done.returncode}: {done.stderr[-2000:]}")
    return Invoked(done.stdout.strip(), done.stderr)


def is_error(payload: object) -> bool:
    """As Lambda's runtime describes what a handler raised."""
    return isinstance(payload, dict) and {"errorType", "errorMessage"} <= payload.keys()
