"""What samconfig.toml says of a deployment, and the command of SAM that follows from it. Pure."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

ARCHITECTURES: Final = ("arm64", "x86_64")  # the first is the template's default
SHARED_CONFIG, OWN_CONFIG = "samconfig.toml", "samconfig.own.toml"
OWN: Final = "default"
ARCHITECTURE = re.compile(r'\bArchitecture(?:,ParameterValue)?="?([^\s"]+)')


class SettingsError(Exception):
    """The deployment cannot be made as asked; the message says why."""


@dataclass(frozen=True)
class Settings:
    """`overrides`: the template's parameters as SAM takes them. `answered`: a guided deployment was saved here.

    `region`: None is that of the AWS profile.
    """

    environment: str
    stack: str
    s3_prefix: str
    region: str | None
    architecture: str
    overrides: tuple[str, ...]
    answered: bool

    @property
    def config_file(self) -> str:
        return OWN_CONFIG if self.environment == OWN else SHARED_CONFIG


def read_settings(config: str, environment: str, architecture: str | None = None) -> Settings:
    """`config`: the text of a samconfig.toml. `architecture`: asked for this once. Raises SettingsError."""
    tables = tomllib.loads(config)
    commands = tables.get(environment, {})
    section = commands.get("deploy", {}).get("parameters")
    if section is None:
        named = ", ".join(name for name in tables if name not in ("version", OWN))
        raise SettingsError(f"samconfig.toml has no environment of that name. It has: {named}.")
    overrides = tuple(_entries(section.get("parameter_overrides", [])))
    return Settings(
        environment=environment,
        stack=section["stack_name"],
        s3_prefix=section.get("s3_prefix", section["stack_name"]),
        # `sam deploy --guided` keeps the region for all commands
        region=section.get("region", commands.get("global", {}).get("parameters", {}).get("region")),
        architecture=_one_architecture(architecture, overrides),
        overrides=overrides,
        answered="parameter_overrides" in section,
    )


def _entries(written: Any) -> Iterator[str]:
    """SAM takes text, a table, and lists of both."""
    if isinstance(written, list):
        for entry in written:
            yield from _entries(entry)
    elif isinstance(written, dict):
        yield from (f'{name}="{value}"' for name, value in written.items())
    else:
        yield str(written)


def _one_architecture(asked: str | None, overrides: tuple[str, ...]) -> str:
    configured = ARCHITECTURE.findall(" ".join(overrides))
    architecture = asked or (configured[-1] if configured else ARCHITECTURES[0])
    if architecture not in ARCHITECTURES:
        raise SettingsError("Architecture is arm64 or x86_64.")
    return architecture


def deploy_command(settings: Settings, *, guided: bool, confirmed: bool) -> list[str]:
    """The arguments of `sam`. What is built decides the parameter Architecture, which stands last and so wins."""
    flags = ["--guided"] if guided else []
    flags += ["--no-confirm-changeset"] if confirmed and not guided else []
    parameters = ["--parameter-overrides", *settings.overrides, f"Architecture={settings.architecture}"]
    return ["deploy", "--config-file", settings.config_file, "--config-env", settings.environment, *flags, *parameters]


def own_config(shared: str) -> str:
    """What a samconfig.own.toml begins with: the environment `default` of samconfig.toml."""
    [section] = re.findall(rf"^\[{OWN}\.deploy\.parameters\]\n(?:[^\[\n].*\n|\n(?!\[))*", shared, re.MULTILINE)
    return f"version = 0.1\n\n{section.rstrip()}\n"
