"""Lays out one Lambda function, or the layer, for `sam build`: our code, its pinned packages, and the .pyc of both.

    python3.13 build_artifact.py <logical id> <architecture> <artifacts directory>

The function `RunWebTaskFunction` is the folder `functions/run_web_task`. What the layer ships is not shipped again.
`sam build`'s own Python builder ships no .pyc, so that every cold start compiles every module it imports.
Runs on the standard library of python3.13 alone, whose byte code is that of Lambda's python3.13.
"""

import argparse
import compileall
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from py_compile import PycInvalidationMode

ROOT = Path(__file__).resolve().parents[2]
LAYER_ID = "StepcallLayer"
LAYER_FOLDER = ROOT / "layers" / "stepcall"
# Amazon Linux 2023, which Lambda's python3.13 runs on, has glibc 2.34: these are the wheels that run there.
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
GLIBC_TAGS = ("manylinux_2_34", "manylinux_2_31", "manylinux_2_28", "manylinux_2_24", "manylinux_2_17", "manylinux2014")


class BuildError(Exception):
    """The artifact cannot be built as asked; the message says why."""


def folder_of(logical_id: str) -> str:
    """`RunWebTaskFunction` → `run_web_task`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", logical_id.removesuffix("Function")).lower()


def read_pins(requirements: Path) -> dict[str, str]:
    """Name → its entry in a pinned requirements file: `name==version`, then its hashes."""
    text = requirements.read_text() if requirements.exists() else ""
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    return {re.split(r"[=\[;\s]", entry, maxsplit=1)[0]: entry for entry in entries if entry}


def without_the_layers(pins: dict[str, str], layer: dict[str, str]) -> dict[str, str]:
    """The pins a function must ship itself. Raises BuildError where the layer would give it another version."""
    for name in sorted(pins.keys() & layer.keys()):
        if pins[name] != layer[name]:
            raise BuildError(f"{name} is pinned otherwise in the layer: run `make lock`")
    return {name: entry for name, entry in pins.items() if name not in layer}


def find_uv() -> str | None:
    ours = ROOT / ".venv" / "bin" / "uv"
    return str(ours) if ours.exists() else shutil.which("uv")


def uv_command(uv: str, architecture: str) -> list[str]:
    target = ["--python-version=3.13", f"--python-platform={MACHINES[architecture]}-{GLIBC_TAGS[0]}"]
    return [uv, "pip", "install", f"--python={sys.executable}", *target]


def pip_command(architecture: str) -> list[str]:
    platforms = [f"--platform={tag}_{MACHINES[architecture]}" for tag in GLIBC_TAGS]
    flags = ["--python-version=3.13", "--implementation=cp", "--no-compile", "--disable-pip-version-check"]
    return [sys.executable, "-I", "-m", "pip", "install", *flags, *platforms]


def install(pins: dict[str, str], target: Path, architecture: str) -> None:
    """Puts the pinned wheels for Lambda into `target`, whatever this machine is: by uv, without one by pip."""
    if not pins:
        return
    uv = find_uv()
    command = uv_command(uv, architecture) if uv else pip_command(architecture)
    with tempfile.TemporaryDirectory() as scratch:
        requirements = Path(scratch, "requirements.txt")
        requirements.write_text("\n".join(pins.values()) + "\n")
        flags = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--target", str(target)]
        subprocess.run([*command, *flags, "--requirement", str(requirements)], check=True)
    shutil.rmtree(target / "bin", ignore_errors=True)  # console scripts
    (target / ".lock").unlink(missing_ok=True)  # uv's


def copy_code(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "requirements.txt", "Makefile"))


def compile_code(artifacts: Path, deployed_at: str) -> None:
    """Writes the .pyc of every .py, valid whatever times unzipping gives the files; tracebacks show Lambda's paths."""
    complete = compileall.compile_dir(
        artifacts,
        quiet=1,
        stripdir=str(artifacts),
        prependdir=deployed_at,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    if not complete:
        raise BuildError(f"some modules in {artifacts} do not compile")


def build_layer(artifacts: Path, architecture: str) -> None:
    install(read_pins(LAYER_FOLDER / "requirements.txt"), artifacts / "python", architecture)
    copy_code(LAYER_FOLDER / "stepcall", artifacts / "python" / "stepcall")
    compile_code(artifacts, "/opt")


def build_function(logical_id: str, artifacts: Path, architecture: str) -> None:
    source = ROOT / "functions" / folder_of(logical_id)
    if not source.is_dir():
        raise BuildError(f"{logical_id} has no folder functions/{source.name}")
    pins = without_the_layers(read_pins(source / "requirements.txt"), read_pins(LAYER_FOLDER / "requirements.txt"))
    install(pins, artifacts, architecture)
    copy_code(source, artifacts / source.name)
    compile_code(artifacts, "/var/task")


def build(logical_id: str, architecture: str, artifacts: Path) -> None:
    artifacts.mkdir(parents=True, exist_ok=True)
    if logical_id == LAYER_ID:
        build_layer(artifacts, architecture)
    else:
        build_function(logical_id, artifacts, architecture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logical_id")
    parser.add_argument("architecture", choices=sorted(MACHINES))
    parser.add_argument("artifacts", type=Path)
    arguments = parser.parse_args()
    try:
        build(arguments.logical_id, arguments.architecture, arguments.artifacts.resolve())
    except (BuildError, subprocess.CalledProcessError) as error:
        sys.exit(f"{arguments.logical_id}: {error}")


if __name__ == "__main__":
    main()
