import pytest

from tools.deployment.settings import SettingsError, deploy_command, own_config, read_settings

CONFIG = """
version = 0.1
[default.deploy.parameters]
stack_name = "stepcall"
confirm_changeset = true

[dev.deploy.parameters]
stack_name = "stepcall-dev"
parameter_overrides = ["LogLevel=DEBUG", "Architecture=x86_64"]
"""
ANSWERED = """
[default.deploy.parameters]
stack_name = "mine"
s3_prefix = "mine-too"
parameter_overrides = 'Architecture="x86_64" LogLevel="WARN"'
[default.global.parameters]
region = "eu-west-1"
"""


def architecture_passed(environment: str, asked: str | None = None) -> str:
    return deploy_command(read_settings(CONFIG, environment, asked), guided=False, confirmed=False)[-1]


def test_what_samconfig_says_is_built_for_and_deployed() -> None:
    assert read_settings(CONFIG, "dev").architecture == "x86_64"
    assert architecture_passed("dev") == "Architecture=x86_64"


def test_what_is_asked_for_goes_before_samconfig_in_build_and_deploy() -> None:
    assert read_settings(CONFIG, "dev", "arm64").architecture == "arm64"
    assert architecture_passed("dev", "arm64") == "Architecture=arm64"


def test_without_a_word_it_is_arm64_and_said_so() -> None:
    assert architecture_passed("default") == "Architecture=arm64"


@pytest.mark.parametrize(
    "written",
    [
        '"ParameterKey=Architecture,ParameterValue=x86_64"',
        '{Architecture = "x86_64"}',
        '["LogLevel=INFO", {Architecture = "x86_64"}]',
    ],
)
def test_parameters_are_read_however_sam_lets_them_be_written(written: str) -> None:
    config = f'[dev.deploy.parameters]\nstack_name = "s"\nparameter_overrides = {written}\n'
    assert read_settings(config, "dev").architecture == "x86_64"


def test_a_processor_that_lambda_does_not_have_is_refused() -> None:
    with pytest.raises(SettingsError, match="arm64 or x86_64"):
        read_settings(CONFIG, "dev", "riscv")


def test_an_unknown_environment_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"It has: dev\."):
        read_settings(CONFIG, "staging")


def test_answers_of_a_guided_deployment_are_used_again() -> None:
    settings = read_settings(ANSWERED, "default")
    assert (settings.answered, settings.region, settings.s3_prefix) == (True, "eu-west-1", "mine-too")
    assert not read_settings(CONFIG, "default").answered
    command = deploy_command(settings, guided=False, confirmed=False)
    assert command[:5] == ["deploy", "--config-file", "samconfig.own.toml", "--config-env", "default"]
    assert command[-2:] == ['Architecture="x86_64" LogLevel="WARN"', "Architecture=x86_64"]


def test_the_question_before_a_change_is_left_out_when_it_was_answered() -> None:
    assert "--no-confirm-changeset" in deploy_command(read_settings(CONFIG, "dev"), guided=False, confirmed=True)
    assert "--no-confirm-changeset" not in deploy_command(read_settings(CONFIG, "dev"), guided=False, confirmed=False)


def test_a_stack_of_ones_own_begins_with_the_default_environment_and_nothing_else() -> None:
    own = own_config(CONFIG)
    assert "stepcall-dev" not in own
    assert (read_settings(own, "default").stack, read_settings(own, "default").answered) == ("stepcall", False)
