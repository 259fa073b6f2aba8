"""Names of the tables that tasks write."""

from uuid import UUID

import pytest

from stepcall.domain.run_table import NotARunTableError, RunTable, new_run_table, read_run_table

RUN = UUID("01a1fd64-0a87-7afb-b908-fd2cd89523af")
TABLE = RunTable(RUN, "clusters_2", "fd2cd89523af")


def test_a_table_says_its_run_and_lies_in_its_folder() -> None:
    assert TABLE.name == "run_01a1fd640a877afbb908fd2cd89523af_fd2cd89523af_clusters_2"
    assert TABLE.prefix == "workflows_temp/01a1fd64-0a87-7afb-b908-fd2cd89523af/clusters_2-fd2cd89523af/"
    assert TABLE.key == f"{TABLE.prefix}part-0.parquet"
    assert read_run_table(TABLE.name) == TABLE


def test_two_attempts_write_two_tables() -> None:
    first, second = (new_run_table(RUN, "a", UUID(int=number)) for number in (1, 2))
    assert first.key != second.key


@pytest.mark.parametrize(
    "name",
    [
        "",
        "stores",
        f"{TABLE.name}\n",
        TABLE.name.upper(),
        TABLE.name.replace("clusters_2", "../../datasets/x"),
        TABLE.name.replace("clusters_2", ""),
        TABLE.name.replace("01a1", "01z1"),
        f"x{TABLE.name}",
    ],
)
def test_what_is_no_such_name_is_refused(name: str) -> None:
    with pytest.raises(NotARunTableError):
        read_run_table(name)
