"""What `sam local` needs on this machine, and which of it is not there."""

import platform
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from local.sam_local.docker import engine_answers, has_image

REPOSITORY = Path(__file__).parents[2]
SAM = REPOSITORY / ".venv-sam" / "bin" / "sam"
BUILT = REPOSITORY / ".aws-sam" / "build" / "template.yaml"
ARCHITECTURE = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
IMAGE = f"public.ecr.aws/lambda/python:3.13-{ARCHITECTURE}"
SOURCES = ("template.yaml", "functions", "layers", "tools/lambda_build")


def first_missing() -> str | None:
    """A sentence that says what is not there and what to do; None when all is."""
    needs: tuple[Callable[[], str | None], ...] = (_engine, _image, _sam, _build, _architecture)
    return next((said for need in needs if (said := need())), None)


def _sam() -> str | None:
    return None if SAM.exists() else "There is no SAM CLI: make validate installs it."


def _engine() -> str | None:
    return None if engine_answers() else "No Docker engine answers here."


def _image() -> str | None:
    return None if has_image(IMAGE) else f"Docker has no image {IMAGE}: make lambda-image gets or makes it."


def _build() -> str | None:
    if not BUILT.exists():
        return f"The functions are not built: make build ARCHITECTURE={ARCHITECTURE}."
    at = BUILT.stat().st_mtime
    newer = next((source for source in _sources() if source.stat().st_mtime > at), None)
    if newer is None:
        return None
    return f"{newer.relative_to(REPOSITORY)} is newer than what is built: make build ARCHITECTURE={ARCHITECTURE}."


def _sources() -> Iterator[Path]:
    for name in SOURCES:
        found = REPOSITORY / name
        yield from (
            each
            for each in ([found] if found.is_file() else found.rglob("*"))
            if each.is_file() and each.suffix != ".pyc"
        )


def _architecture() -> str | None:
    built = built_architecture(BUILT)
    if built == ARCHITECTURE:
        return None
    return (
        f"The functions are built for {built}, this machine is {ARCHITECTURE}: make build ARCHITECTURE={ARCHITECTURE}."
    )


def built_architecture(template: Path) -> str:
    """As SAM noted it beside the build."""
    notes = tomllib.loads((template.parents[1] / "build.toml").read_text())
    return str(next(iter(notes["function_build_definitions"].values()))["architecture"])
