"""The grammar of CALL: what it takes, what it refuses, and where."""

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carto_api.call_statement import CallSyntaxError, is_call, read_call
from stepcall.domain.procedure_call import Argument, Place

NAME = "workflows-api-demo.workflows_temp.wfproc_f2f8df5df4ddf279"
SOURCE = f"CALL `{NAME}`(@number_of_clusters,@buffer_radius,@store_type)"


def values(text: str) -> list[Any]:
    return [argument.value for argument in read_call(f"CALL p({text})").arguments]


def refusal(text: str) -> str:
    with pytest.raises(CallSyntaxError) as refused:
        read_call(text)
    return str(refused.value)


def test_the_call_of_the_source_is_read_with_the_place_of_each_argument() -> None:
    call = read_call(SOURCE)
    assert call.procedure == NAME
    assert call.arguments == (
        Argument(Place(1, 66), parameter="number_of_clusters"),
        Argument(Place(1, 86), parameter="buffer_radius"),
        Argument(Place(1, 101), parameter="store_type"),
    )
    assert (call.start, call.end) == (Place(1, 1), Place(1, 112))


@pytest.mark.parametrize(
    "text",
    [
        f"call {NAME}()",
        f"CALL`{NAME}`()",
        f"  Call\n\t{NAME} ( ) ; ",
        "CALL `workflows-api-demo`.`workflows_temp`.`wfproc_f2f8df5df4ddf279`()",
        "CALL `workflows-api-demo.workflows_temp`.wfproc_f2f8df5df4ddf279()",
        "CALL workflows-api-demo . workflows_temp . `wfproc_f2f8df5df4ddf279` ();",
        f"-- a comment\n# another\r\n/* a ; third ** */CALL/**/{NAME}/* ( */(\n-- none )\n)/**/;-- end",
    ],
)
def test_case_spacing_quoting_comments_and_a_final_semicolon_make_no_difference(text: str) -> None:
    call = read_call(text)
    assert (call.procedure, call.arguments) == (NAME, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1, -2, +3, - 4", [1, -2, 3, -4]),
        ("0xFf, -0X10, 9223372036854775807, -9223372036854775808", [255, -16, 2**63 - 1, -(2**63)]),
        ("1.5, .5, 5., 1e3, 2E-2, -1.5e+1", [1.5, 0.5, 5.0, 1000.0, 0.02, -15.0]),
        ("TRUE, false, Null", [True, False, None]),
        ("'a', \"b\", '', \"\"", ["a", "b", "", ""]),
        ('\'it\\\'s\', "say \\"so\\""', ["it's", 'say "so"']),
        ("'\\n\\t\\\\\\x41\\u00e9\\U0001F642\\101\\?\\`'", ["\n\t\\Aé🙂A?`"]),
        ('r\'a\\nb\', R"c\\"d"', ["a\\nb", 'c\\"d']),
        ('\'\'\'it\'s\n"two" lines\'\'\', """a"b""c"""', ['it\'s\n"two" lines', 'a"b""c']),
        ("'''a\r\nb\rc\\r\\n''', r'''a\r\nb'''", ["a\nb\nc\r\n", "a\nb"]),
        ("JSON '{\"a\": [1, 2.5, null]}', json r'[\"\\\\d\"]'", [{"a": [1, 2.5, None]}, ["\\d"]]),
        ("'-- no comment', '# none', '/* nor this */', ';)'", ["-- no comment", "# none", "/* nor this */", ";)"]),
    ],
)
def test_literals_are_read_as_bigquery_reads_them(text: str, expected: list[Any]) -> None:
    assert values(text) == expected
    assert [type(value) for value in values(text)] == [type(value) for value in expected]


def test_parameters_are_named_or_positional() -> None:
    named = read_call("CALL p(@a, @`b c`, 1, @select)").arguments
    assert [argument.parameter for argument in named] == ["a", "b c", None, "select"]
    positional = read_call("CALL p(?, 'x', ?)").arguments
    assert [argument.parameter for argument in positional] == [0, None, 1]


def test_lines_and_columns_count_characters() -> None:
    call = read_call("CALL /* é🙂 */ p(\n\t@a,\r\n  '''x\n\ny''', @b\r,@c)")
    assert [str(argument.place) for argument in call.arguments] == ["[2:2]", "[3:3]", "[5:7]", "[6:2]"]
    assert call.end == Place(6, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expected CALL but got end of script at [1:1]"),
        ("SELECT 1", "Expected CALL at [1:1]"),
        ("CALLER()", "Expected CALL at [1:1]"),
        ("  CALL", "Expected the name of a procedure but got end of script at [1:7]"),
        ("CALL p", "Expected `(` and the arguments but got end of script at [1:7]"),
        ("CALL p(1 2)", "Expected `,` or `)` at [1:10]"),
        ("CALL p(1,)", "Expected a parameter or a literal at [1:10]"),
        ("CALL p(,1)", "Expected a parameter or a literal at [1:8]"),
        ("CALL p(1", "Expected `,` or `)` but got end of script at [1:9]"),
        ("CALL p(); DROP TABLE t", "Expected the end of the input, for one statement is run at [1:11]"),
        ("CALL p();;", "Expected the end of the input, for one statement is run at [1:10]"),
        ("CALL p() CALL q()", "Expected the end of the input, for one statement is run at [1:10]"),
        ("CALL p(1 + 1)", "Expected `,` or `)` at [1:10]"),
        ("CALL p((SELECT 1))", "Expected a parameter or a literal at [1:8]"),
        ("CALL p(q())", "Expected a parameter or a literal at [1:8]"),
        ("CALL p(@@session)", "Expected a parameter or a literal at [1:8]"),
        ("CALL p(@a, ?)", "Named and positional parameters may not be mixed at [1:12]"),
        ("CALL p(?, 1, @a)", "Named and positional parameters may not be mixed at [1:14]"),
        ("CALL p('a)", "Unclosed string literal at [1:8]"),
        ("CALL p('a\n')", "Unclosed string literal at [1:8]"),
        ('CALL p("""a"")', "Unclosed string literal at [1:8]"),
        ("CALL p(/* )", "Unclosed comment at [1:8]"),
        ("CALL `p(1)", "Unclosed or empty identifier at [1:6]"),
        ("CALL ``(1)", "Unclosed or empty identifier at [1:6]"),
        ("CALL p('a\\zb')", "Illegal escape sequence at [1:10]"),
        ("CALL p('''\r\n\\ud800''')", "Illegal escape sequence at [2:1]"),
        ("CALL p(\x00)", "Illegal input character at [1:8]"),
        ("CALL p('\ud800')", "Illegal input character at [1:9]"),
        ("CALL p(9223372036854775808)", "Invalid integer literal, for it is out of range at [1:8]"),
        (f"CALL p({'9' * 5000})", "Invalid integer literal, for it is out of range at [1:8]"),
        ("CALL p(1e400)", "Invalid floating point literal, for it is out of range at [1:8]"),
        ("CALL p(12abc)", "Expected a parameter or a literal at [1:8]"),
        ("CALL p(JSON '{')", "Invalid JSON literal at [1:8]"),
        ("CALL p(JSON 1)", "Expected a string literal after JSON at [1:13]"),
        ("CALL p(b'x')", "Expected a parameter or a literal at [1:8]"),
        ("CALL a..b()", "Expected the name of a procedure at [1:8]"),
    ],
)
def test_what_is_not_one_call_is_refused_with_its_place(text: str, message: str) -> None:
    assert refusal(text) == f"Syntax error: {message}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("CALL p()", True), ("/* SELECT */ call\tp()", True), ("SELECT 1", False), ("CALLING", False), ("", False)],
)
def test_a_statement_is_a_call_or_is_not(text: str, expected: bool) -> None:
    assert is_call(text) is expected


PIECES = st.sampled_from(
    [
        *("CALL", " ", "p", "`", ".", "-", "(", ")", ",", ";", "@", "?", "'", '"', "\\", "r", "JSON", "\n", "\r", "--"),
        *(
            "#",
            "/*",
            "*/",
            "0x",
            "1",
            "e",
            "+",
            "TRUE",
            "é",
            "\ud800",
            "\x00",
            "{",
            "}",
            "'''",
            '"""',
            "\\x4",
            "\\u00e9",
        ),
    ]
)


@given(st.lists(PIECES).map("".join) | st.text())
def test_whatever_is_sent_is_read_or_refused(text: str) -> None:
    for query in (text, f"CALL p({text})", f"CALL {text}"):
        try:
            call = read_call(query)
        except CallSyntaxError as refused:
            places = [refused.place]
        else:
            places = [call.start, *(argument.place for argument in call.arguments), call.end]
        assert all(place.line >= 1 <= place.column for place in places)
        assert places == sorted(places)


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])), min_size=1, max_size=5))
def test_a_string_that_is_written_is_the_string_that_is_read(texts: list[str]) -> None:
    for quote in ("'", '"', "'''", '"""'):
        written = [quote + text.replace("\\", "\\\\").replace(quote[0], f"\\{quote[0]}") + quote for text in texts]
        assert values(",\n".join(written)) == texts


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_that_is_written_is_the_number_that_is_read(whole: int, real: float) -> None:
    assert values(f"{whole}, {real!r}") == [whole, real]


MEGABYTE = 1024 * 1024
LONG = {
    "arguments": "CALL p(" + "?," * (MEGABYTE // 2) + "?)",
    "lines": "CALL p(" + "\n1," * (MEGABYTE // 3) + "1)",
    "comments": "/**/" * (MEGABYTE // 4) + "CALL p()",
    "an unclosed comment": "CALL p(" + "/*" * (MEGABYTE // 2),
    "quotes": "CALL p('" + "''" * (MEGABYTE // 2),
    "backslashes": "CALL p('" + "\\" * MEGABYTE,
    "escapes": "CALL p('" + "\\n" * (MEGABYTE // 2) + "')",
    "digits": "CALL p(" + "1" * MEGABYTE,
    "name": "CALL " + "a-" * (MEGABYTE // 2),
    "parts": "CALL " + "a." * (MEGABYTE // 2),
    "spaces": "CALL" + " " * MEGABYTE + "p",
    "stars": "CALL p(/*" + "*" * MEGABYTE,
}


@pytest.mark.parametrize("kind", LONG)
def test_a_megabyte_takes_linear_time(kind: str) -> None:
    """A tenth of it takes about a tenth of the time: an algorithm that is not linear takes a hundredth."""

    def seconds(text: str) -> float:
        begun = time.process_time()
        with suppress(CallSyntaxError):  # what it answers does not matter here
            read_call(text)
        return time.process_time() - begun

    whole, tenth = seconds(LONG[kind]), seconds(LONG[kind][: MEGABYTE // 10])
    assert whole < max(40 * tenth, 0.5)
