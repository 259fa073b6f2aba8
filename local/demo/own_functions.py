"""Examples that come with a function of the user's own: the local stack lets tasks invoke it."""

from pathlib import Path

from local.demo import control_flow
from local.own_functions import OwnFunction

NAMES = {"lambda_invoke": "quote"}
"""What each example's function is called."""


def run(name: str) -> bool:
    """Whether its output is as it should be."""
    file: Path = control_flow.EXAMPLES / name / "function.py"
    return control_flow.run(name, [OwnFunction(NAMES[name], file, "handler")])
