"""What metrics, alarms and the dashboard cost while nobody calls: counted in the template, everywhere the same."""

import re
from decimal import Decimal

from stepcall.use_cases.metrics import Metric
from tests.template.sam_template import ROOT, read_template, resources_of_type
from tests.template.test_watching import ALARMS, OPERATIONS, watched_by
from tools.deployment.settings import read_settings

DEPLOY, README, SAMCONFIG = (ROOT / name for name in ("docs/deploy.md", "README.md", "samconfig.toml"))
METRICS = len(Metric)
ALARM_METRICS = sum(len(list(watched_by(alarm))) for alarm in ALARMS.values())
DASHBOARDS = len(resources_of_type(read_template(), "AWS::CloudWatch::Dashboard"))
PER_METRIC, PER_ALARM_METRIC, PER_DASHBOARD = Decimal("0.30"), Decimal("0.10"), Decimal("3.00")
FREE_METRICS, FREE_ALARM_METRICS, FREE_DASHBOARDS = 10, 10, 3
LINES = Decimal("0.01")
"""Of the sweep's log, which is free for as little."""


def price(*, quiet: int = 0, watched: int = 1) -> tuple[Decimal, Decimal]:
    """Of an account with so many stacks without alarms and with them: all of it, and beyond what is free."""
    metrics, alarms, dashboards = (quiet + watched) * METRICS, watched * ALARM_METRICS, watched * DASHBOARDS
    beyond = (
        max(0, metrics - FREE_METRICS) * PER_METRIC
        + max(0, alarms - FREE_ALARM_METRICS) * PER_ALARM_METRIC
        + max(0, dashboards - FREE_DASHBOARDS) * PER_DASHBOARD
    )
    whole = metrics * PER_METRIC + alarms * PER_ALARM_METRIC + dashboards * PER_DASHBOARD + (quiet + watched) * LINES
    return whole, beyond


def on_one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_the_table_of_prices_counts_what_the_template_has() -> None:
    whole, beyond = price()
    assert f"| {METRICS} × ${PER_METRIC}; {FREE_METRICS} are free." in OPERATIONS
    assert f"| alarms: {ALARM_METRICS} alarm metrics in {len(ALARMS)} alarms | {ALARM_METRICS} × $0.10;" in OPERATIONS
    assert f"| **while nobody calls it** | | **{whole}** | **{beyond}** |" in OPERATIONS


def test_the_lines_of_the_table_of_prices_make_its_sum() -> None:
    before_sum = OPERATIONS.partition("| **while nobody calls it**")[0].rpartition("|---|---|---|---|\n")[2]
    costs = [row.strip("|").split("|")[2:] for row in before_sum.splitlines()]
    assert tuple(sum(map(Decimal, column)) for column in zip(*costs, strict=True)) == price()


def test_the_other_documents_say_the_same_price() -> None:
    whole, beyond = price()
    assert f"[US$ {whole}](docs/operations.md#the-price), of which {beyond} is beyond" in on_one_line(
        README.read_text()
    )
    assert f"account has free; with `Alarms=false` metrics alone, {price(quiet=1, watched=0)[0]} | {whole} |" in (
        DEPLOY.read_text()
    )
    assert f"(#the-price): {beyond} beyond" in DEPLOY.read_text().replace("operations.md", "")
    assert f"US$ {beyond} a month beyond what an account has free" in SAMCONFIG.read_text()


def test_the_price_of_dev_beside_prod_counts_what_is_free_once() -> None:
    alarms = [f"Alarms={said}" for said in ("false", "true")]
    for name, said in zip(("dev", "prod"), alarms, strict=True):
        assert said in read_settings(SAMCONFIG.read_text(), name).overrides
    (whole, beyond), (both, beyond_both) = price(quiet=1), price(watched=2)
    told = on_one_line(OPERATIONS)
    assert f"are US$ {whole} together, {beyond} beyond what is free; two with alarms {both} and {beyond_both}." in told
