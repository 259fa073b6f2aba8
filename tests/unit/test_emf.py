"""What CloudWatch reads out of the log."""

import json
from typing import Any

import pytest

from stepcall.runtime.emf import DIMENSION, NAMESPACE, EmbeddedMetrics
from stepcall.use_cases.metrics import Measured, Metric


def written(capsys: pytest.CaptureFixture[str], measured: Measured) -> list[dict[str, Any]]:
    EmbeddedMetrics("stepcall-test")(measured)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_what_was_measured_is_one_line_with_the_stack_as_its_only_dimension(capsys: pytest.CaptureFixture[str]) -> None:
    [line] = written(capsys, {Metric.RUNS_STARTED: [2], Metric.START_LATENCY: [120.5, 80.0]})
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == NAMESPACE
    assert directive["Dimensions"] == [[DIMENSION]]
    assert line[DIMENSION] == "stepcall-test"
    assert {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]} == {
        "RunsStarted": "Count",
        "StartLatency": "Milliseconds",
    }
    assert (line["RunsStarted"], line["StartLatency"]) == ([2.0], [120.5, 80.0])
    assert all("StorageResolution" not in metric for metric in directive["Metrics"])  # by the minute: others cost more


@pytest.mark.parametrize("measured", [{}, {Metric.RUN_DURATION: []}])
def test_nothing_measured_writes_nothing(capsys: pytest.CaptureFixture[str], measured: Measured) -> None:
    assert written(capsys, measured) == []


@pytest.mark.parametrize("number", [99, 100, 101])
def test_more_values_than_a_line_holds_are_all_written(capsys: pytest.CaptureFixture[str], number: int) -> None:
    lines = written(capsys, {Metric.RUN_DURATION: [float(value) for value in range(number)]})
    assert [value for line in lines for value in line["RunDuration"]] == list(range(number))
    assert all(len(line["RunDuration"]) <= 100 for line in lines)  # the format's limit


def test_a_measurement_leaves_nothing_for_the_next_one(capsys: pytest.CaptureFixture[str]) -> None:
    written(capsys, {Metric.QUEUE_AGE: [7]})
    [line] = written(capsys, {Metric.SWEEPER_REPAIRS: [1]})
    assert "QueueAge" not in line
