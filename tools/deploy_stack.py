"""`make deploy`: builds for the architecture that will be deployed, and deploys it by SAM."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tools.deployment.settings import (
    OWN,
    OWN_CONFIG,
    SHARED_CONFIG,
    Settings,
    SettingsError,
    deploy_command,
    own_config,
    read_settings,
)

SAM = ".venv-sam/bin/sam"


def read_config(environment: str) -> str:
    """The text of the environment's samconfig; that of a stack of one's own is begun when there is none."""
    if environment != OWN:
        return Path(SHARED_CONFIG).read_text()
    own = Path(OWN_CONFIG)
    if not own.exists():
        own.write_text(own_config(Path(SHARED_CONFIG).read_text()))
    return own.read_text()


def deploy(settings: Settings, *, guided: bool, confirmed: bool) -> int:
    """The exit code of what failed first, or 0."""
    print(f"Stack {settings.stack}, {settings.architecture}, as {settings.config_file} says.", flush=True)
    # `make` tells what it starts of its own flags and variables, ARCHITECTURE and ENV among them
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKEOVERRIDES")}
    commands = [
        ["make", "--no-print-directory", "build", f"ARCHITECTURE={settings.architecture}"],
        [SAM, *deploy_command(settings, guided=guided, confirmed=confirmed)],
    ]
    codes = (subprocess.run(command, env=environment, check=False).returncode for command in commands)
    return next((code for code in codes if code != 0), 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", default=OWN, help="environment of samconfig.toml; without it, a stack of your own")
    parser.add_argument("--architecture", help="for this once; otherwise as samconfig says")
    parser.add_argument("--guided", action="store_true", help="ask again")
    parser.add_argument("--yes", action="store_true", help="do not ask before the change")
    asked = parser.parse_args()
    try:
        settings = read_settings(read_config(asked.env), asked.env, asked.architecture)
    except SettingsError as exc:
        print(exc, file=sys.stderr)
        return 1
    return deploy(settings, guided=asked.guided or not settings.answered, confirmed=asked.yes)


if __name__ == "__main__":
    sys.exit(main())
