"""One process, one environment: what the functions of the stack share, and what they must not."""

import os

import pytest

from local.environment import aws_variables, environment, function_variables, metric_variables
from local.errors import ConflictingVariableError
from local.lambda_runtime import Function
from stepcall.runtime.emf import EmbeddedMetrics
from stepcall.use_cases.metrics import Metric


def function(name: str, **variables: str) -> Function:
    return Function(name, name, f"arn:{name}", "module.handler", 3, 128, variables)


def test_all_functions_variables_come_together() -> None:
    functions = [function("A", TABLE="t", ONLY_A="1"), function("B", TABLE="t", ONLY_B="2")]
    assert function_variables(functions) == {"TABLE": "t", "ONLY_A": "1", "ONLY_B": "2"}


def test_one_variable_with_two_values_is_refused_by_name() -> None:
    with pytest.raises(ConflictingVariableError, match="The variable TABLE is 'other' in B, and 't' elsewhere"):
        function_variables([function("A", TABLE="t"), function("B", TABLE="other")])


def test_the_environment_is_as_it_was_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "a-developers-own")
    monkeypatch.delenv("TABLE", raising=False)
    before = dict(os.environ)
    with environment({"TABLE": "t"}, without=["AWS_PROFILE", "NOT_THERE"]):
        assert os.environ["TABLE"] == "t"
        assert "AWS_PROFILE" not in os.environ
        os.environ["SET_INSIDE"] = "gone afterwards"
    assert dict(os.environ) == before


def test_the_stacks_own_address_never_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    assert aws_variables("http://127.0.0.1:1/s3")["NO_PROXY"] == "intranet.example,127.0.0.1,localhost"


@pytest.mark.parametrize(("level", "written"), [("DEBUG", True), ("INFO", True), ("WARN", False), ("ERROR", False)])
def test_metrics_are_written_for_who_asks_to_see_as_much(
    level: str, written: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with environment(metric_variables(level)):
        EmbeddedMetrics("a-stack")({Metric.QUEUE_AGE: [1]})
    assert ("QueueAge" in capsys.readouterr().out) is written
