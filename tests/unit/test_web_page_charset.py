"""How the bytes of a page become text."""

import codecs

import pytest

from run_web_task.page_charset import decode_page

TEXT = "Grüße, naïve café – 10 €"
RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 5
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。" * 5


@pytest.mark.parametrize(
    ("content_type", "codec"),
    [
        ("text/html; charset=utf-8", "utf-8"),
        ('text/html;charset="UTF-8"', "utf-8"),
        ("text/html; charset=windows-1252", "cp1252"),
        ("text/html; charset=iso-8859-1", "cp1252"),  # as the web means it
        ("text/html; charset=us-ascii", "cp1252"),
        ("text/html; charset=iso-8859-15", "iso8859-15"),
        ("text/html; charset=utf-16le", "utf-16-le"),
        ("text/html; charset=utf-16be", "utf-16-be"),
    ],
)
def test_the_content_type_says_the_charset(content_type: str, codec: str) -> None:
    text = TEXT.replace("–", "-")
    assert decode_page(text.encode(codec), content_type) == text


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("windows-1251", "cp1251", RUSSIAN),
        ("koi8-r", "koi8-r", RUSSIAN),
        ("x-sjis", "cp932", JAPANESE),
        ("shift_jis", "cp932", JAPANESE),
        ("euc-jp", "euc_jp", JAPANESE),
        ("gb2312", "gb18030", "我能吞下玻璃而不伤身体。"),
        ("big5", "big5hkscs", "我能吞下玻璃而不傷身體。"),
        ("euc-kr", "cp949", "나는 유리를 먹을 수 있어요."),
    ],
)
def test_the_charsets_of_the_world_are_known(charset: str, codec: str, text: str) -> None:
    assert decode_page(text.encode(codec), f"text/html; charset={charset}") == text


@pytest.mark.parametrize(
    ("mark", "codec"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
    ],
)
def test_a_byte_order_mark_is_believed_before_all_else_and_taken_off(mark: bytes, codec: str) -> None:
    assert decode_page(mark + TEXT.encode(codec), "text/html; charset=iso-8859-1") == TEXT


@pytest.mark.parametrize(
    "head",
    [
        '<meta charset="windows-1251">',
        "<META CHARSET=windows-1251 />",
        '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">',
        '<?xml version="1.0" encoding="windows-1251"?>',
    ],
)
def test_the_page_says_its_charset_where_the_content_type_does_not(head: str) -> None:
    page = f"{head}<p>{RUSSIAN}</p>"
    assert decode_page(page.encode("cp1251"), "text/html") == page


def test_the_content_type_is_believed_before_the_page() -> None:
    page = f'<meta charset="iso-8859-1">{TEXT}'
    assert decode_page(page.encode(), "text/html; charset=utf-8") == page


def test_a_page_that_says_in_ascii_that_it_is_utf_16_is_utf_8() -> None:
    page = f'<meta charset="utf-16">{TEXT}'
    assert decode_page(page.encode(), "text/html") == page


@pytest.mark.parametrize(("codec", "text"), [("utf-8", TEXT), ("cp1251", RUSSIAN), ("cp932", JAPANESE)])
def test_an_undeclared_charset_is_found_out(codec: str, text: str) -> None:
    page = "<html><body>" + "<p>plain</p>" * 5000 + text
    assert decode_page(page.encode(codec), "") == page


@pytest.mark.parametrize(
    "charset",
    ["martian", "utf-7", "punycode", "idna", "zlib", "hex", "rot13", "unicode_escape", "undefined", "\x00", "'"],
)
def test_a_charset_that_the_web_does_not_know_is_as_if_there_were_none(charset: str) -> None:
    assert decode_page(TEXT.encode(), f"text/html; charset={charset}") == TEXT
    page = f'<meta charset="{charset}">{TEXT}'
    assert decode_page(page.encode(), "text/html") == page


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "text/html; charset=gb18030", "text/html", ""])
def test_bytes_that_are_no_text_in_the_charset_are_replaced(content_type: str) -> None:
    decoded = decode_page(b"caf\xff\xfe\xfd end", content_type)
    assert decoded.startswith("caf")
    assert decoded.endswith(" end")


def test_nothing_is_an_empty_text() -> None:
    assert decode_page(b"", "") == ""
    assert decode_page(codecs.BOM_UTF8, "") == ""
