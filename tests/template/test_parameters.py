import json
import re

import pytest

from stepcall.guarded_http.targets import parse_host_list
from tests.template.sam_template import TEXT, Template, read_template

LONGEST_NAME = 80  # of a state machine: docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
HASH_DIGITS = 32


def test_every_parameter_is_explained_grouped_and_used(written: Template) -> None:
    interface = written["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(interface["ParameterLabels"]) == sorted(written["Parameters"])
    body = json.dumps({part: written[part] for part in ("Resources", "Globals", "Conditions")})
    for name, parameter in written["Parameters"].items():
        assert parameter["Description"].endswith(".")
        assert f'"Ref": "{name}"' in body, name


def test_every_default_is_allowed(written: Template) -> None:
    for name, parameter in written["Parameters"].items():
        default = parameter["Default"]
        assert default in parameter.get("AllowedValues", [default]), name
        assert parameter.get("MinValue", default) <= default <= parameter.get("MaxValue", default), name
        assert re.fullmatch(parameter.get("AllowedPattern", ".*"), str(default)), name


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        ("OpenAiBaseUrl", "http://models.internal:8000/v1", True),
        ("OpenAiBaseUrl", "https://user:secret@models.example/v1", False),
        ("OpenAiBaseUrl", "https://models.example/v1?key=secret", False),
        ("OpenAiBaseUrl", "models.example", False),
        ("OpenAiApiKeySecretArn", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stepcall/key-a1B2c3", True),
        ("OpenAiApiKeySecretArn", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:*", False),
        ("OpenAiApiKeySecretArn", "sk-a-key-itself", False),
        ("OpenAiDefaultModel", "meta-llama/Llama-3.1-8B:free", True),
        ("OpenAiDefaultModel", "", False),
        ("WebAllowedHosts", "wiki.internal,10.0.0.5:8080,[fd00::1]:80", True),
        ("WebAllowedHosts", "wiki.internal, other", False),
        ("WebAllowedHosts", "http://wiki.internal", False),
        ("HttpSecretArns", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:crm/key-a1B2c3", True),
        ("HttpSecretArns", ",".join(["arn:aws:secretsmanager:eu-central-1:123456789012:secret:crm-a1B2c3"] * 2), True),
        ("HttpSecretArns", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:crm", False),
        ("HttpSecretArns", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:*-a1B2c3", False),
        ("HttpSecretArns", "crm", False),
        ("InvokableFunctionArns", "", True),
        ("InvokableFunctionArns", "arn:aws:lambda:eu-central-1:123456789012:function:price", True),
        (
            "InvokableFunctionArns",
            "arn:aws:lambda:eu-central-1:123456789012:function:price:prod,arn:aws:lambda:eu-central-1:123456789012:function:price:$LATEST",
            True,
        ),
        ("InvokableFunctionArns", "arn:aws:lambda:eu-central-1:123456789012:function:*", False),
        ("InvokableFunctionArns", "arn:aws:lambda:eu-central-1:123456789012:function:price:*", False),
        (
            "InvokableFunctionArns",
            "arn:aws:lambda:eu-central-1:123456789012:function:price, b",
            False,
        ),
        ("InvokableFunctionArns", "price", False),
    ],
)
def test_a_parameter_takes_what_it_means_and_nothing_else(parameter: str, value: str, allowed: bool) -> None:
    pattern = read_template()["Parameters"][parameter]["AllowedPattern"]
    assert bool(re.search(pattern, value)) is allowed


def test_the_worker_reads_the_hosts_the_template_allows() -> None:
    value = "wiki.internal,10.0.0.5:8080,[fd00::1]:80"
    assert re.search(read_template()["Parameters"]["WebAllowedHosts"]["AllowedPattern"], value)
    assert parse_host_list(value) == frozenset(value.split(","))


def test_the_deployer_is_told_how_long_a_stack_name_may_be() -> None:
    longest = LONGEST_NAME - len("-") - HASH_DIGITS
    assert f"stack name of at most {longest} characters" in TEXT


def test_with_and_without_a_limit_on_runs_the_stream_tells_of_what_parents_and_children_wait_for(
    transformed: Template,
) -> None:
    mapping = transformed["Resources"]["StartWaitingRunsFunctionEndsOfRuns"]["Properties"]
    assert "Enabled" not in mapping, "machines wait to be told of their tasks' ends"
    of_runs, of_tasks, of_each = (filter_["Pattern"] for filter_ in mapping["FilterCriteria"]["Filters"])
    assert '"COMPLETED", "FAILED", "CANCELLED"' in of_runs
    assert ("task_token" in of_tasks, "instances" in of_each) == (True, True)
    assert transformed["Parameters"]["MaxRunningRuns"]["MinValue"] == 0
