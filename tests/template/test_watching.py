"""Alarms and the dashboard: they look at metrics that there are, of what the template makes, and say what to do."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

import pytest

from stepcall.runtime.emf import DIMENSION, NAMESPACE
from stepcall.use_cases.metrics import Metric
from tests.template.sam_template import ROOT, Template, functions_of, read_template, resources_of_type, variables_of

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
STACK = {"Ref": "AWS::StackName"}
ALARMS = resources_of_type(read_template(), "AWS::CloudWatch::Alarm")
MOST_ALARMS, FREE_DASHBOARD_METRICS = 11, 50
# What AWS publishes, and by which dimensions. Sources, on docs.aws.amazon.com:
# AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
# lambda/latest/dg/monitoring-metrics-types.html (without a dimension: of all functions of the account in the region)
# apigateway/latest/developerguide/http-api-metrics.html
# step-functions/latest/dg/procedure-cw-metrics.html
# amazondynamodb/latest/developerguide/metrics-dimensions.html
OF_AWS: dict[tuple[str, str], list[set[str]]] = {
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): [{"QueueName"}],
    ("AWS/SQS", "NumberOfMessagesSent"): [{"QueueName"}],
    ("AWS/Lambda", "Throttles"): [set(), {"FunctionName"}],
    ("AWS/Lambda", "Errors"): [set(), {"FunctionName"}],
    ("AWS/Lambda", "IteratorAge"): [{"FunctionName"}],
    ("AWS/ApiGateway", "Count"): [{"ApiId"}],
    ("AWS/ApiGateway", "4xx"): [{"ApiId"}],
    ("AWS/ApiGateway", "5xx"): [{"ApiId"}],
    ("AWS/ApiGateway", "Latency"): [{"ApiId"}],
    ("AWS/States", "ThrottledEvents"): [{"ServiceMetric"}, {"APIName"}],
    ("AWS/DynamoDB", "ReadThrottleEvents"): [{"TableName"}],
    ("AWS/DynamoDB", "WriteThrottleEvents"): [{"TableName"}],
    ("AWS/DynamoDB", "ConsumedReadCapacityUnits"): [{"TableName"}],
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits"): [{"TableName"}],
    ("AWS/DynamoDB", "SystemErrors"): [{"TableName", "Operation"}],
}
WORDS = {
    "ServiceMetric": {"StateTransition"},
    "APIName": {"StartExecution"},
    "Operation": {"Query", "UpdateItem"},
}
"""The values of dimensions that are no resource of ours."""
NAMED_AFTER = {
    "FunctionName": ("AWS::Lambda::Function", "{}"),
    "TableName": ("AWS::DynamoDB::Table", "{}"),
    "ApiId": ("AWS::ApiGatewayV2::Api", "{}"),
    "QueueName": ("AWS::SQS::Queue", "{}.QueueName"),
}
"""Of which type a dimension's resource is, and how the template says its value."""


class Watched(NamedTuple):
    """A metric that is looked at. Values are `${X}` or `${X.Attribute}` for what the template makes."""

    namespace: str
    name: str
    dimensions: dict[str, str]


def spell(value: Any) -> str:
    """A value of the template as Fn::Sub has it."""
    if isinstance(value, str):
        return value
    [(function, argument)] = value.items()
    return f"${{{argument}}}" if function == "Ref" else f"${{{'.'.join(argument)}}}"


def watched_by(alarm: dict[str, Any]) -> Iterator[Watched]:
    metrics = [part["MetricStat"]["Metric"] for part in alarm.get("Metrics", []) if "MetricStat" in part] or [alarm]
    for metric in metrics:
        dimensions = {each["Name"]: spell(each["Value"]) for each in metric.get("Dimensions", [])}
        yield Watched(metric["Namespace"], metric["MetricName"], dimensions)


def dashboard() -> Any:
    [properties] = resources_of_type(read_template(), "AWS::CloudWatch::Dashboard").values()
    return json.loads(properties["DashboardBody"]["Fn::Sub"])


def shown(widget: Any) -> Iterator[Watched]:
    for row in widget["properties"].get("metrics", []):
        namespace, name, *rest = [part for part in row if isinstance(part, str)]
        yield Watched(namespace, name, dict(zip(rest[::2], rest[1::2], strict=True)))


SHOWN = [metric for widget in dashboard()["widgets"] for metric in shown(widget)]
LOOKED_AT = [*SHOWN, *(metric for alarm in ALARMS.values() for metric in watched_by(alarm))]


def names_of_alarms() -> dict[str, str]:
    """By logical id, without the stack."""
    return {
        logical_id: alarm["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
        for logical_id, alarm in ALARMS.items()
    }


@pytest.mark.parametrize("metric", LOOKED_AT, ids=lambda metric: f"{metric.namespace}-{metric.name}")
def test_what_is_looked_at_is_published_by_our_code_or_by_aws(metric: Watched) -> None:
    if metric.namespace == NAMESPACE:
        assert metric.name in list(Metric)
        assert metric.dimensions == {DIMENSION: "${AWS::StackName}"}
    else:
        assert metric.dimensions.keys() in OF_AWS[metric.namespace, metric.name]


@pytest.mark.parametrize("metric", LOOKED_AT, ids=lambda metric: f"{metric.namespace}-{metric.name}")
def test_what_is_looked_at_is_of_something_that_the_template_makes(transformed: Template, metric: Watched) -> None:
    for dimension, value in metric.dimensions.items():
        if dimension == DIMENSION:
            continue
        if dimension in WORDS:
            assert value in WORDS[dimension]
            continue
        kind, spelling = NAMED_AFTER[dimension]
        assert value in {f"${{{spelling.format(made)}}}" for made in resources_of_type(transformed, kind)}


def test_every_metric_of_ours_is_shown_and_every_alarm_stands_over_all() -> None:
    assert {metric.name for metric in SHOWN if metric.namespace == NAMESPACE} == set(Metric)
    [overview] = [widget for widget in dashboard()["widgets"] if widget["type"] == "alarm"]
    prefix = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:${AWS::StackName}-"
    assert overview["properties"]["alarms"] == [prefix + name for name in names_of_alarms().values()]


def test_every_queue_has_an_alarm_and_is_shown(transformed: Template) -> None:
    """What others have missed, or sent amiss, has one of its own: it may lie long, and would hide what we lose."""
    queues = {f"${{{made}.QueueName}}" for made in resources_of_type(transformed, "AWS::SQS::Queue")}
    of_receivers, of_senders, of_ours = (
        {metric.dimensions["QueueName"] for metric in watched_by(ALARMS[name])}
        for name in ("ExhaustedDeliveriesAlarm", "InvalidEventsAlarm", "DeadLettersAlarm")
    )
    assert (of_receivers, of_senders) == ({"${ExhaustedDeliveries.QueueName}"}, {"${InvalidEvents.QueueName}"})
    assert of_ours == queues - of_receivers - of_senders
    assert {metric.dimensions["QueueName"] for metric in SHOWN if metric.namespace == "AWS/SQS"} == queues


def test_alarms_stay_few_the_dashboard_within_what_is_free_and_both_can_be_left_out(written: Template) -> None:
    assert len(ALARMS) <= MOST_ALARMS
    assert len(SHOWN) <= FREE_DASHBOARD_METRICS
    watching = [r for r in written["Resources"].values() if r["Type"].startswith("AWS::CloudWatch::")]
    assert {resource["Condition"] for resource in watching} == {"HasAlarms"}


@pytest.mark.parametrize("logical_id", ALARMS)
def test_an_alarm_says_what_it_means_and_tells_the_topic_if_there_is_one(logical_id: str) -> None:
    alarm, name = ALARMS[logical_id], names_of_alarms()[logical_id]
    assert alarm["AlarmDescription"].endswith(".")
    tells = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    assert (alarm["AlarmActions"], alarm["OKActions"]) == (tells, tells)
    assert alarm["DatapointsToAlarm"] <= alarm["EvaluationPeriods"]
    section = OPERATIONS.partition(f"### `{name}`\n")[2].partition("\n### ")[0]
    for question in ("**It means**", "**Look**", "**Do**"):
        assert question in section, f"docs/operations.md says nothing of {name}"


def test_the_sweep_that_is_silent_is_an_alarm() -> None:
    missing = {logical_id: alarm["TreatMissingData"] for logical_id, alarm in ALARMS.items()}
    assert missing.pop("QueueAgeAlarm") == "breaching"
    assert set(missing.values()) == {"notBreaching"}


def test_the_documentation_tells_of_every_metric_and_its_price() -> None:
    for metric in Metric:
        assert f"| `{metric}` |" in OPERATIONS, metric
    number = sum(len(list(watched_by(alarm))) for alarm in ALARMS.values())
    assert f"{number} alarm metrics" in OPERATIONS


def test_what_measures_is_told_its_stack_and_is_not_silenced_by_the_log_level(transformed: Template) -> None:
    measuring = {k: f for k, f in functions_of(transformed).items() if "STACK_NAME" in variables_of(f)}
    assert {"PublishRunEventsFunction", "SweepRunsFunction"} <= measuring.keys()
    for function in measuring.values():
        assert variables_of(function)["STACK_NAME"] == STACK
        level = function["LoggingConfig"]["ApplicationLogLevel"]
        assert level == {"Fn::If": ["KeepsInfo", {"Ref": "LogLevel"}, "INFO"]}


def test_widgets_lie_beside_each_other() -> None:
    widgets = dashboard()["widgets"]
    assert all(widget["x"] + widget["width"] <= 24 for widget in widgets)
    for one, other in combinations(widgets, 2):
        beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
        below = one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
        assert beside or below


def test_no_dimension_tells_tenants_or_workflows_apart() -> None:
    assert not [metric for metric in LOOKED_AT if re.search("tenant|workflow_", " ".join(metric.dimensions))]
