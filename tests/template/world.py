"""A world of moto in a process of its own (there is room for one in each): deployed, lived in, and told as JSON.

python -m tests.template.world
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Any

from tests.template.deployed_stack import Deployed, account, deploy
from tests.template.life import FUNCTION_ARN, live_in
from tests.template.permissions import Permission
from tests.template.sam_template import ROOT
from tests.template.short_lives import short_lives

STACK = "stepcall-under-test"
API_KEY_SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:openai-a1B2c3"
REQUEST_SECRETS = [f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{name}-a1B2c3" for name in ("crm", "erp")]
FUNCTION_ARNS = [FUNCTION_ARN, f"{FUNCTION_ARN}:prod"]
IMPORTED_FROM = [ROOT / "layers" / "stepcall", ROOT / "functions", ROOT]


@dataclass(frozen=True)
class World:
    deployed: Deployed
    without_key: Deployed
    """The same for an endpoint that wants no API key, and when the first key of our own has been taken away."""
    needed: dict[str, set[Permission]]
    """By role."""


def told_by(module: str) -> Any:
    """What a module prints last, as JSON, in a process of its own; AssertionError with its words when it fails."""
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env = {**foreign, "PYTHONPATH": os.pathsep.join(str(path) for path in IMPORTED_FROM)}
    command = [sys.executable, "-m", module]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def read_world() -> World:
    told = told_by("tests.template.world")
    needed = {role: {Permission(**permission) for permission in told["needed"][role]} for role in told["needed"]}
    return World(Deployed(**told["deployed"]), Deployed(**told["without_key"]), needed)


def make_world() -> dict[str, Any]:
    with account() as session, short_lives():
        chosen = {"OpenAiApiKeySecretArn": API_KEY_SECRET, "HttpSecretArns": ",".join(REQUEST_SECRETS)}
        chosen["InvokableFunctionArns"] = ",".join(FUNCTION_ARNS)
        deployed = deploy(session, STACK, chosen)
        needed = live_in(session, deployed)
        return {
            "deployed": asdict(deployed),
            "without_key": asdict(deploy(session, "without-key", {"FirstApiKey": "false"})),
            "needed": {role: [asdict(permission) for permission in sorted(needed[role])] for role in needed},
        }


if __name__ == "__main__":
    print(json.dumps(make_world(), default=str))
