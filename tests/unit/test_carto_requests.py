"""What the CARTO face reads of URLs and bodies, and the words it has for types."""

from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carto_api.answers import TYPES, carto_type, spell_account
from carto_api.requests import MAX_CALL_BYTES, SqlRequest, read_command, read_page, read_sql_body, read_sql_url
from stepcall.runtime.http import InvalidRequestError

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@pytest.mark.parametrize(
    "raw",
    [
        "query=CALL `p`(@a, 'b c')",
        "query=CALL%20%60p%60(@a,%20'b%20c')",
        "query=CALL+`p`(@a,+'b+c')",
        "v=3.4&query=CALL+`p`(@a, 'b%20c')&client=sdk&access_token=x",
    ],
)
def test_percent_plus_and_a_space_are_one_in_a_url(raw: str) -> None:
    assert read_sql_url(raw, "query") == SqlRequest("CALL `p`(@a, 'b c')", {})


@given(TEXT, st.dictionaries(TEXT, TEXT))
def test_what_a_client_quotes_is_what_is_read(statement: str, parameters: dict[str, str]) -> None:
    from stepcall.domain.json_text import write_json  # noqa: PLC0415

    sent = {"query": statement, "queryParameters": write_json(parameters)}
    for how in (quote, quote_plus):
        assert read_sql_url(urlencode(sent, quote_via=how), "query") == SqlRequest(statement, parameters)
    assert read_sql_body({"query": statement, "queryParameters": parameters}, "query") == (statement, parameters)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("queryParameters=", {}), ("queryParameters=null", {}), ("queryParameters=[1]", [1]), ("queryParameters=%20", {})],
)
def test_query_parameters_of_a_url_are_json_or_nothing(raw: str, expected: Any) -> None:
    assert read_sql_url(f"q=x&{raw}", "q").parameters == expected


def test_a_call_has_sixteen_kilobytes_and_a_select_may_have_more() -> None:
    call = "CALL p('" + "é" * (MAX_CALL_BYTES // 2) + "')"
    with pytest.raises(InvalidRequestError, match="queryParameters"):
        read_command("c", SqlRequest(call, {}))
    fits = call[: MAX_CALL_BYTES // 2] + "')"
    assert read_command("c", SqlRequest(fits, {})).query == fits
    assert read_sql_body({"q": "SELECT 1 " + " " * 100_000}, "q").statement.startswith("SELECT")


def test_a_page_is_the_first_fifty_unless_said_otherwise() -> None:
    assert read_page("") == (1, 50)
    assert read_page("page=7&page_size=100&client=x") == (7, 100)
    for raw in ("page=0", "page=", "page_size=101", "page=１", "page=1&page_size=1.5"):
        with pytest.raises(InvalidRequestError):
            read_page(raw)


@pytest.mark.parametrize(
    ("bigquery", "carto"),
    [
        ("INT64", "bigint"),
        ("FLOAT64", "number"),
        ("NUMERIC(10, 2)", "number"),
        ("STRING", "string"),
        ("BOOL", "boolean"),
        ("TIMESTAMP", "timestamp"),
        ("GEOGRAPHY", "geometry"),
        ("STRUCT<a INT64>", "object"),
        ("ARRAY<STRUCT<a INT64>>", "array"),
        ("HUGEINT", "unknown"),
        ("", "unknown"),
    ],
)
def test_every_type_has_a_word_of_cartos(bigquery: str, carto: str) -> None:
    assert carto_type(bigquery) == carto
    words = {"number", "bigint", "string", "geometry", "timestamp", "object", "boolean", "array"}
    assert set(TYPES.values()) == words


def test_an_account_is_the_same_for_a_tenant_and_another_for_another() -> None:
    assert spell_account("acme") == spell_account("acme") != spell_account("acme2")
    assert "acme" not in spell_account("acme")
