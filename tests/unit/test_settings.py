"""The environment, read once; what is missing is named."""

from datetime import timedelta

import pytest

from stepcall.runtime.settings import (
    DatasetSettings,
    DeadlineSettings,
    EngineSettings,
    EventSettings,
    RateLimitSettings,
    SettingsError,
    SlotSettings,
    StoreSettings,
)

STORES = {"WORKFLOWS_TABLE": "workflows", "RUNS_TABLE": "runs", "DATA_BUCKET": "data"}
LAMBDA = "arn:aws-cn:lambda:cn-north-1:123456789012:function"
ENGINE = {
    "STATE_MACHINE_PREFIX": "stepcall",
    "STATE_MACHINE_ROLE_ARN": "arn:aws-cn:iam::123456789012:role/machine",
    "RUN_WEB_TASK_ARN": f"{LAMBDA}:web",
    "RUN_AI_TASK_ARN": f"{LAMBDA}:ai",
    "RUN_DATA_TASK_ARN": f"{LAMBDA}:data",
    "RUN_SQL_TASK_ARN": f"{LAMBDA}:sql",
    "RUN_WORKFLOW_TASK_ARN": f"{LAMBDA}:workflow",
    "RUN_LAMBDA_TASK_ARN": f"{LAMBDA}:lambda",
    "FINISH_RUN_ARN": f"{LAMBDA}:finish",
}
RATE_LIMITS = {"RATE_LIMITS_TABLE": "rate_limits"}


def test_stores_are_where_the_environment_says() -> None:
    settings = StoreSettings.from_env(STORES | {"RUN_RETENTION_DAYS": "7"})
    assert settings == StoreSettings("workflows", "runs", "data", timedelta(days=7))


@pytest.mark.parametrize("days", ["", "abc", "1.5"])
def test_a_retention_that_is_no_number_is_named(days: str) -> None:
    with pytest.raises(SettingsError, match="RUN_RETENTION_DAYS"):
        StoreSettings.from_env(STORES | {"RUN_RETENTION_DAYS": days})


def test_functions_are_known_by_the_names_of_their_folders() -> None:
    settings = EngineSettings.from_env(ENGINE)
    assert settings.function_arns == {
        "run_web_task": f"{LAMBDA}:web",
        "run_ai_task": f"{LAMBDA}:ai",
        "run_data_task": f"{LAMBDA}:data",
        "run_sql_task": f"{LAMBDA}:sql",
        "run_lambda_task": f"{LAMBDA}:lambda",
        "finish_run": f"{LAMBDA}:finish",
        "run_workflow_task": f"{LAMBDA}:workflow",
    }
    assert (settings.name_prefix, settings.role_arn) == ("stepcall", ENGINE["STATE_MACHINE_ROLE_ARN"])


def test_the_function_that_executes_workflows_knows_itself_by_its_name_which_lambda_tells_it() -> None:
    rest = {name: value for name, value in ENGINE.items() if name != "RUN_WORKFLOW_TASK_ARN"}
    own = EngineSettings.from_env(rest | {"AWS_LAMBDA_FUNCTION_NAME": "workflow"})
    assert own == EngineSettings.from_env(ENGINE)


def test_machines_live_in_the_partition_region_and_account_of_the_functions() -> None:
    assert EngineSettings.from_env(ENGINE).states_arn_prefix == "arn:aws-cn:states:cn-north-1:123456789012"


@pytest.mark.parametrize("empty", [False, True])
@pytest.mark.parametrize(
    ("settings", "environment", "name"),
    [(StoreSettings, STORES, name) for name in STORES]
    + [(EngineSettings, ENGINE, name) for name in ENGINE if name != "RUN_WORKFLOW_TASK_ARN"]
    + [(RateLimitSettings, RATE_LIMITS, name) for name in RATE_LIMITS],
)
def test_a_missing_variable_is_named(
    settings: type[StoreSettings | EngineSettings | RateLimitSettings],
    environment: dict[str, str],
    name: str,
    empty: bool,
) -> None:
    rest = {key: value for key, value in environment.items() if key != name} | ({name: ""} if empty else {})
    with pytest.raises(SettingsError, match=f"^The environment variable {name} is missing"):
        settings.from_env(rest)


def test_a_prefix_leaves_room_for_the_hash_in_a_machines_name() -> None:
    assert EngineSettings.from_env(ENGINE | {"STATE_MACHINE_PREFIX": "p" * 47}).name_prefix == "p" * 47
    with pytest.raises(SettingsError, match="STATE_MACHINE_PREFIX"):
        EngineSettings.from_env(ENGINE | {"STATE_MACHINE_PREFIX": "p" * 48})


@pytest.mark.parametrize(("said", "buckets"), [("", set()), ("one", {"one"}), ("one,two", {"one", "two"})])
def test_datasets_come_from_the_buckets_that_the_deployer_names(said: str, buckets: set[str]) -> None:
    assert DatasetSettings.from_env({"DATASET_BUCKETS": said}).buckets == buckets
    assert DatasetSettings.from_env({}).buckets == set()


def test_events_go_to_the_bus_that_the_template_names() -> None:
    assert EventSettings.from_env({"EVENT_BUS": "stepcall-runs"}).bus == "stepcall-runs"
    with pytest.raises(SettingsError, match="The environment variable EVENT_BUS is missing"):
        EventSettings.from_env({})


def test_a_tenants_slots_and_a_runs_deadline_are_what_the_environment_says() -> None:
    assert SlotSettings.from_env({"MAX_RUNNING_RUNS": "0"}).max_running == 0
    assert DeadlineSettings.from_env({"RUN_DEADLINE_HOURS": "36"}).time_to_run == timedelta(days=1.5)
    for settings, name in ((SlotSettings, "MAX_RUNNING_RUNS"), (DeadlineSettings, "RUN_DEADLINE_HOURS")):
        with pytest.raises(SettingsError, match=name):
            settings.from_env({})
