"""docs/deploy.md and samconfig.toml against the template and their own arithmetic."""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from tests.template.sam_template import ROOT, Template
from tools.deployment.settings import read_settings

DOCUMENT = (ROOT / "docs" / "deploy.md").read_text()
SAMCONFIG = (ROOT / "samconfig.toml").read_text()
ENVIRONMENTS = ["dev", "prod"]
CENT = Decimal("0.01")


def rows_of(heading: str) -> list[list[str]]:
    """The cells of the table that follows a heading or a line in bold, without its head."""
    text = DOCUMENT.split(heading, maxsplit=1)[1]
    [table] = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)[:1]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_the_table_of_parameters_is_that_of_the_template(written: Template) -> None:
    told = {name.strip("`"): default.strip("`") for name, default, *_ in rows_of("## Parameters")}
    assert told == {name: str(parameter["Default"]) for name, parameter in written["Parameters"].items()}
    assert [row for row in rows_of("## Parameters") if not all((row[2], row[3]))] == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_names_parameters_of_the_template_and_values_they_take(
    written: Template, environment: str
) -> None:
    overrides = dict(entry.split("=", maxsplit=1) for entry in read_settings(SAMCONFIG, environment).overrides)
    assert overrides.keys() <= written["Parameters"].keys()
    for name, value in overrides.items():
        assert is_taken(written["Parameters"][name], value), name


def is_taken(parameter: dict[str, Any], value: str) -> bool:
    if "AllowedValues" in parameter:
        return value in map(str, parameter["AllowedValues"])
    if parameter["Type"] == "Number":
        return int(parameter["MinValue"]) <= int(value) <= int(parameter["MaxValue"])
    return bool(re.search(parameter["AllowedPattern"], value))


def test_each_parameter_of_samconfig_is_explained_where_it_stands() -> None:
    lines = re.findall(r'^ +"\w+=.*$', SAMCONFIG, re.MULTILINE)
    assert len(lines) == sum(len(read_settings(SAMCONFIG, environment).overrides) for environment in ENVIRONMENTS)
    assert [line for line in lines if not re.search(r",\s+# \S", line)] == []


def test_production_is_protected_watched_and_asked_for() -> None:
    production = read_settings(SAMCONFIG, "prod")
    assert {"DeletionProtection=true", "Alarms=true"} <= set(production.overrides)
    assert "confirm_changeset = true" in SAMCONFIG.split("[prod.deploy.parameters]")[1]
    assert SAMCONFIG.count("fail_on_empty_changeset = false") == len([*ENVIRONMENTS, "default"])


def test_the_price_of_a_million_runs_is_the_sum_of_its_lines() -> None:
    *lines, (_, _, _, together) = rows_of("**A million runs of three tasks**")
    total = Decimal(0)
    for what, times, price, cost in lines:
        product = Decimal(times) * Decimal(price)
        assert product.quantize(CENT, ROUND_HALF_UP) == Decimal(cost), what
        total += Decimal(cost)
    assert str(total) == together.strip("*")


def test_the_price_of_an_idle_month_is_the_sum_of_its_lines() -> None:
    *lines, (_, _, together) = rows_of("**A month in which nobody calls**")
    assert str(sum(Decimal(cost) for _, _, cost in lines)) == together.strip("*")
