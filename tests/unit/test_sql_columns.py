"""The columns of a query's result are known before it runs, and those that cannot be there are refused."""

from contextlib import suppress

import pytest

from stepcall.domain.connection import Column
from stepcall.sql.columns import infer_columns, infer_or_find_faults
from stepcall.sql.faults import SqlCode, SqlError
from stepcall.sql.inferring import UNKNOWN, Work
from stepcall.sql.statement import read_select
from tests.unit.counted_calls import count_calls

TABLES = {
    "t": [
        Column("id", "INT64"),
        Column("city", "STRING"),
        Column("amount", "FLOAT64"),
        Column("arr", "ARRAY<INT64>"),
        Column("s", "STRUCT<x INT64, y STRING>"),
        Column("d", "DATE"),
        Column("ts", "TIMESTAMP"),
        Column("items", "ARRAY<STRUCT<a INT64, b STRING>>"),
    ],
    "u": [Column("id", "INT64"), Column("name", "STRING")],
    "open": None,
    "p.d.far": [Column("k", "INT64")],
}
TYPES = {"n": "INT64", "list": "ARRAY<STRING>", "any": None}


def columns_of(query: str) -> list[tuple[str, str]] | None:
    found = infer_columns(read_select(query), TABLES, TYPES)
    return None if found is None else [(name, kind) for name, kind in found]


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("SELECT * FROM u", {"id": "INT64", "name": "STRING"}),
        ("SELECT u.* EXCEPT (name) FROM u", {"id": "INT64"}),
        ("SELECT id, x, o FROM t, UNNEST(arr) AS x WITH OFFSET AS o", {"id": "INT64", "x": "INT64", "o": "INT64"}),
        ("SELECT e.a, e.b FROM t, UNNEST(items) AS e", {"a": "INT64", "b": "STRING"}),
        ("SELECT s.x, t.s.y AS z FROM t", {"x": "INT64", "z": "STRING"}),
        ("SELECT COUNT(*) AS n, AVG(id) AS a, SUM(id) AS s FROM t", {"n": "INT64", "a": "FLOAT64", "s": "INT64"}),
        ("SELECT id / 2 AS h, id + 1 AS i, id * 1.5 AS j FROM t", {"h": "FLOAT64", "i": "INT64", "j": "FLOAT64"}),
        ("SELECT @n AS n, @n + 1 AS m, @any AS a", {"n": "INT64", "m": "INT64", "a": UNKNOWN}),
        ("SELECT 1, city, 2 FROM t", {"f0_": "INT64", "city": "STRING", "f1_": "INT64"}),
        ("SELECT CITY FROM t", {"CITY": "STRING"}),
        (
            "WITH c AS (SELECT id, city FROM t) SELECT c.*, name FROM c JOIN u USING (id)",
            {"id": "INT64", "city": "STRING", "name": "STRING"},
        ),
        ("SELECT id FROM t UNION ALL SELECT id FROM u", {"id": "INT64"}),
        ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r", {"n": "INT64"}),
        ("SELECT (SELECT MAX(name) FROM u WHERE u.id = t.id) AS m FROM t", {"m": "STRING"}),
        ("SELECT id FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.id = t.id AND name = city)", {"id": "INT64"}),
        ("SELECT city AS c, COUNT(*) AS n FROM t GROUP BY c HAVING n > 1 ORDER BY c, n", {"c": "STRING", "n": "INT64"}),
        ("SELECT id AS i FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY i ORDER BY ts) = 1", {"i": "INT64"}),
        ("SELECT ARRAY(SELECT AS STRUCT id, city FROM t) AS l", {"l": "ARRAY<STRUCT<id INT64, city STRING>>"}),
        (
            "SELECT DATE_TRUNC(d, MONTH) AS m, DATE(ts) AS e, EXTRACT(YEAR FROM d) AS y FROM t",
            {"m": "DATE", "e": "DATE", "y": "INT64"},
        ),
        ("SELECT k FROM `p.d.far`", {"k": "INT64"}),
        ("SELECT far.k FROM `p.d.far`", {"k": "INT64"}),
        ("SELECT anything, id FROM open JOIN u USING (id)", {"anything": UNKNOWN, "id": UNKNOWN}),
        ("SELECT NULL AS n", {"n": "INT64"}),
        ("SELECT x FROM UNNEST(@list) AS x", {"x": "STRING"}),
        ("SELECT u.id FROM U AS u", {"id": "INT64"}),
    ],
)  # fmt: skip
def test_columns_have_names_and_types(query: str, columns: dict[str, str]) -> None:
    assert columns_of(query) == [*columns.items()]


@pytest.mark.parametrize(
    "query", ["SELECT * FROM open", "SELECT * FROM t JOIN u USING (id)", "SELECT * FROM UNNEST([STRUCT(1 AS a)])"]
)
def test_columns_that_cannot_be_told_are_not_guessed(query: str) -> None:
    assert columns_of(query) is None


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT nope FROM t", "Unrecognized name: `nope` at [1:8]"),
        ("SELECT cty FROM t", "Unrecognized name: `cty`; did you mean `city`? at [1:8]"),
        ("SELECT id,\n  u.nope\nFROM t JOIN u USING (id)", "`u` has no column `nope` at [2:5]"),
        ("SELECT x.id FROM t", "Unrecognized name: `x` at [1:8]"),
        ("SELECT id FROM t ORDER BY nope", "Unrecognized name: `nope` at [1:27]"),
        ("SELECT COUNT(*) AS n FROM t GROUP BY nope", "Unrecognized name: `nope` at [1:38]"),
        ("SELECT COUNT(*) AS n FROM t HAVING SUM(nope) > 1", "Unrecognized name: `nope` at [1:40]"),
        ("SELECT city AS c FROM t WHERE c = 'x'", "Unrecognized name: `c` at [1:31]"),
        ("SELECT city AS c, c FROM t", "Unrecognized name: `c` at [1:19]"),
        ("WITH a AS (SELECT nope FROM t) SELECT * FROM a", "Unrecognized name: `nope` at [1:19]"),
        ("SELECT nope FROM (SELECT id FROM t)", "Unrecognized name: `nope` at [1:8]"),
        ("SELECT name FROM t WHERE EXISTS (SELECT 1 FROM u)", "Unrecognized name: `name` at [1:8]"),
        (
            "SELECT 1 AS a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE nme = city)",
            "Unrecognized name: `nme`; did you mean `name`? at [1:58]",
        ),
        ("SELECT 1 AS a UNION ALL SELECT nope FROM t", "Unrecognized name: `nope` at [1:32]"),
        ("SELECT x FROM UNNEST([1, 2]) AS x WHERE y > 1", "Unrecognized name: `y` at [1:41]"),
        ("SELECT SUM(id) OVER (ORDER BY nope) AS s FROM t", "Unrecognized name: `nope` at [1:31]"),
        ("SELECT * EXCEPT (nope) FROM u", "There is no column `nope` to leave out at [1:18]"),
        ("SELECT name FROM t JOIN u USING (city)", "`u` has no column `city` at [1:34]"),
        (
            "SELECT id, ID FROM t",
            "Two columns of the result have the name `ID`; give one of them another by AS at [1:12]",
        ),
        (
            "SELECT city, SUM(amount) AS total FROM t",
            "`city` is neither grouped nor aggregated: add GROUP BY, or say ANY_VALUE(city) at [1:8]",
        ),
        (
            "SELECT id FROM u WHERE id IN (SELECT MAX(t.id) + t.amount FROM t)",
            "`amount` is neither grouped nor aggregated: add GROUP BY, or say ANY_VALUE(amount) at [1:50]",
        ),
    ],
)  # fmt: skip
def test_a_column_that_cannot_be_there_is_refused_where_it_stands(query: str, message: str) -> None:
    with pytest.raises(SqlError) as refused:
        columns_of(query)
    assert str(refused.value) == f"Query error: {message}"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT city, SUM(amount) AS a FROM t GROUP BY city",
        "SELECT city, SUM(amount) AS a FROM t GROUP BY ALL",
        "SELECT city, SUM(amount) OVER () AS a FROM t",
        "SELECT id, (SELECT COUNT(*) FROM t) AS n FROM u",
        "SELECT (SELECT COUNT(*) + u.id FROM t) AS n FROM u",
        "SELECT (SELECT COUNT(*) + name FROM t) AS n FROM u",
        "SELECT COUNT(*) AS n, @n AS m, MAX(id) + 1 AS o FROM t",
        "SELECT COUNT(*) AS n, EXISTS (SELECT 1 FROM u WHERE u.id = 1) AS e FROM t",
        "SELECT DATE_DIFF(MAX(day), MIN(day), DAY) AS d, EXTRACT(YEAR FROM MAX(day)) AS y FROM open",
        "SELECT TIMESTAMP_TRUNC(MAX(at), HOUR) AS h, LAST_DAY(MAX(day), MONTH) AS m FROM open",
        "SELECT DATE_TRUNC(MAX(day), WEEK(MONDAY)) AS w, DATE_ADD(MAX(day), INTERVAL 1 DAY) AS n FROM open",
        "SELECT ARRAY_AGG(city IGNORE NULLS ORDER BY id LIMIT 1)[OFFSET(0)] AS c, STRING_AGG(city, ',') AS l FROM t",
        "SELECT ANY_VALUE(city HAVING MAX id) AS c, COUNT(DISTINCT city) AS n, COUNTIF(id > 1) AS m FROM t",
        "SELECT * FROM u WHERE id = (SELECT MAX(id) FROM t)",
    ],
)  # fmt: skip
def test_an_aggregate_beside_what_has_one_value_for_all_rows_is_taken(query: str) -> None:
    assert columns_of(query)


def test_an_unknown_table_is_refused_with_the_one_that_was_probably_meant() -> None:
    with pytest.raises(SqlError) as refused:
        infer_columns(read_select("SELECT *\nFROM store"), {"stores": None}, {})
    assert refused.value.code is SqlCode.UNKNOWN_TABLE
    assert str(refused.value) == "Query error: There is no table `store`; did you mean `stores`? at [2:6]"


@pytest.mark.parametrize(
    ("table", "advice"),
    [
        ("orders", ""),
        ("stors", "; did you mean `Stores`?"),
        ("carto.stores", "; a table is named alone: `Stores`"),
        ("`p.d.stores`", "; a table is named alone: `Stores`"),
    ],
)
def test_who_misses_a_table_hears_where_it_was_looked_for_and_how_it_is_named(table: str, advice: str) -> None:
    select = read_select(f"SELECT 1 FROM {table}")  # noqa: S608
    _, [fault] = infer_or_find_faults(select, {"Stores": None}, {}, Work(), "sales")
    name = table.strip("`")
    assert fault.message == f"There is no table `{name}` in `sources` or on the connection `sales`{advice}"


WIDE = {
    "t": [Column(f"c{number}", "INT64") for number in range(1000)],
    "structs": [Column("wide", f"STRUCT<{', '.join(f'f{number} INT64' for number in range(4000))}>")],
}
HEAVY = {
    "doubled stars": "WITH "  # noqa: S608
    + ", ".join(f"a{n} AS (SELECT x.*, y.* FROM {f'a{n - 1}' if n else 't'} AS x, t AS y)" for n in range(90))  # noqa: S608
    + " SELECT c1 FROM a89",
    "nested stars": "SELECT * FROM " + "(SELECT * FROM " * 28 + "t" + ")" * 28,
    "names that are not there": "SELECT " + ", ".join(f"n{number}" for number in range(9000)) + " FROM t",  # noqa: S608
    "structs of structs": "SELECT STRUCT(s AS a, s AS b) AS s FROM (" * 28 + "SELECT 1 AS s" + ")" * 28,
    "arrays of structs": "SELECT ARRAY(SELECT AS STRUCT s AS a, s AS b) AS s FROM (" * 14 + "SELECT 1 AS s" + ")" * 14,
    "wide structs": "SELECT " + ", ".join(f"wide AS a{number}" for number in range(4900)) + " FROM structs",  # noqa: S608
    "unions of wide structs": "SELECT wide FROM structs" + " UNION ALL SELECT NULL" * 90,
    "names that are there": "SELECT " + ", ".join(f"c{n % 1000} AS a{n}" for n in range(4900)) + " FROM t",  # noqa: S608
}


@pytest.mark.parametrize("name", HEAVY)
def test_a_heavy_query_takes_bounded_work(name: str) -> None:
    def infer() -> None:
        with suppress(SqlError):
            infer_columns(read_select(HEAVY[name]), WIDE, {})

    assert count_calls(infer, at_most=40_000_000) < 40_000_000


def test_many_queries_of_a_table_with_many_types_take_the_work_of_a_few() -> None:
    select, work = read_select("SELECT wide FROM structs"), Work()
    types = [columns[0].type for _ in range(40) if (columns := infer_or_find_faults(select, WIDE, {}, work)[0])]
    assert types[0] == WIDE["structs"][0].type
    assert types[10:] == [UNKNOWN] * 30


DEEP = "ARRAY<STRUCT<a " * 75 + "INT64" + ">>" * 75


@pytest.mark.parametrize(
    "kind",
    [DEEP, "STRUCT<a INT64 DEFAULT STRUCT(1)>", "STRUCT<a b INT64>", "STRUCT<`a\\`` INT64>", "INT64 b", ""],
)
def test_a_column_of_a_type_that_cannot_be_read_is_there_without_one(kind: str) -> None:
    tables = {"t": [Column("strange", kind), Column("id", "INT64")]}
    assert infer_columns(read_select("SELECT * FROM t"), tables, {}) == (("strange", UNKNOWN), ("id", "INT64"))
