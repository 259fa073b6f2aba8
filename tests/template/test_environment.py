import ast
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from stepcall.runtime.allowed_hosts import AllowedHostSettings
from stepcall.runtime.invokable_settings import InvokableSettings
from stepcall.runtime.settings import (
    DatasetSettings,
    DeadlineSettings,
    DeliverySettings,
    EngineSettings,
    EventSettings,
    FirstKeySettings,
    InvalidEventSettings,
    MetricSettings,
    ProviderKeySettings,
    RateLimitSettings,
    SlotSettings,
    StoreSettings,
    TenantSettings,
    TokenSettings,
    WebhookSettings,
)
from stepcall.runtime.trigger_settings import TriggerTargetSettings
from tests.template.deployed_stack import Deployed
from tests.template.sam_template import ROOT, folder_of, functions_of, read_template, transform, variables_of

LAYER = ROOT / "layers" / "stepcall"
FUNCTIONS = functions_of(transform(read_template()))
OF_FACES = [
    EngineSettings,
    SlotSettings,
    DeadlineSettings,
    RateLimitSettings,
    DatasetSettings,
    FirstKeySettings,
    TokenSettings,
    ProviderKeySettings,
    WebhookSettings,
    AllowedHostSettings,
    DeliverySettings,
    TriggerTargetSettings,
    InvokableSettings,
]
OF_THE_NATIVE_FACE = [
    *(DatasetSettings, ProviderKeySettings, WebhookSettings, AllowedHostSettings, DeliverySettings),
    TriggerTargetSettings,
    InvokableSettings,
]
OF_ONE_FUNCTION: dict[str, list[Any]] = {
    "run_ai_task": [ProviderKeySettings],
    "run_sql_task": [DatasetSettings],
    "run_lambda_task": [InvokableSettings],
    "sweep_runs": [EngineSettings, SlotSettings, MetricSettings, TriggerTargetSettings],
    "start_waiting_runs": [EngineSettings, SlotSettings],
    "start_triggered_run": [
        *(EngineSettings, SlotSettings, DeadlineSettings, RateLimitSettings, TenantSettings),
        *(InvalidEventSettings, MetricSettings),
    ],
    "run_workflow_task": [EngineSettings, SlotSettings, DeadlineSettings, RateLimitSettings],
    "publish_run_events": [EventSettings, DeliverySettings, MetricSettings],
    "deliver_webhook": [DeliverySettings, WebhookSettings, AllowedHostSettings, MetricSettings],
}
NOT_OF_ONE_FACE: dict[str, list[Any]] = dict.fromkeys(("carto_api", "wave_api", "amperity_api"), OF_THE_NATIVE_FACE)
SET_BY_LAMBDA = ("AWS_",)
READ_BY_POWERTOOLS = ("POWERTOOLS_",)


class Environment(Mapping[str, str]):
    """Variables that know who asked for them."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = {name: str(value) for name, value in variables.items()}
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def settings_under(folder: Path, root: Path) -> list[Any]:
    """The classes below a folder that read the environment."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and any(getattr(item, "name", "") == "from_env" for item in node.body):
                module = ".".join(path.relative_to(root).with_suffix("").parts)
                found.append(getattr(importlib.import_module(module), node.name))
    return found


def settings_of(folder: str) -> list[Any]:
    """What a function reads: of the layer, and of its own."""
    of_faces = [settings for settings in OF_FACES if settings not in NOT_OF_ONE_FACE.get(folder, [])]
    of_layer: list[Any] = of_faces if folder.endswith("_api") else OF_ONE_FUNCTION.get(folder, [])
    return [StoreSettings, *of_layer, *settings_under(ROOT / "functions" / folder, ROOT / "functions")]


@pytest.mark.parametrize("logical_id", sorted(FUNCTIONS))
def test_a_function_is_given_the_variables_it_reads_and_no_other(deployed: Deployed, logical_id: str) -> None:
    variables = deployed.functions[logical_id]["Environment"]["Variables"]
    told = {name: value or "chosen" for name, value in variables.items()}
    environment = Environment(told | {"AWS_LAMBDA_FUNCTION_NAME": "function"})
    for settings in settings_of(folder_of(FUNCTIONS[logical_id])):
        settings.from_env(environment)
    read = {name for name in environment.asked if not name.startswith(SET_BY_LAMBDA)}
    read -= {f"{folder_of(FUNCTIONS[logical_id]).upper()}_ARN"}  # which no template can tell it
    assert read == {name for name in variables_of(FUNCTIONS[logical_id]) if not name.startswith(READ_BY_POWERTOOLS)}


def test_no_settings_of_the_layer_go_unchecked() -> None:
    checked = {StoreSettings, *OF_FACES, *(settings for some in OF_ONE_FUNCTION.values() for settings in some)}
    assert set(settings_under(LAYER / "stepcall", LAYER)) == checked
