import pytest

from run_ai_task.settings import AiSettings
from stepcall.runtime.settings import SettingsError

MODEL = {"OPENAI_DEFAULT_MODEL": "gpt-5-mini"}


def test_the_endpoint_is_openais_and_without_a_key_unless_said() -> None:
    assert AiSettings.from_env(MODEL) == AiSettings("https://api.openai.com/v1", "gpt-5-mini", None)


def test_an_empty_variable_is_as_good_as_none() -> None:
    # the template always sets them
    env = MODEL | {"OPENAI_BASE_URL": "", "OPENAI_API_KEY_SECRET_ARN": ""}
    assert AiSettings.from_env(env) == AiSettings.from_env(MODEL)


def test_what_is_said_counts() -> None:
    env = MODEL | {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "OPENAI_API_KEY_SECRET_ARN": "arn:aws:x"}
    assert AiSettings.from_env(env) == AiSettings("http://127.0.0.1:1/v1", "gpt-5-mini", "arn:aws:x")


def test_a_missing_model_is_named() -> None:
    with pytest.raises(SettingsError, match="OPENAI_DEFAULT_MODEL"):
        AiSettings.from_env({})
