"""Web.ExtractText on pages as they are, and on pages made to break it."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from run_web_task.web_extract_text import extract_text
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError, TaskError
from stepcall.domain.task_contract import TaskContext
from stepcall.guarded_http.limits import MEGABYTE
from stepcall.tasks.web import ExtractTextInput, ExtractTextOutput

PAGES = Path(__file__).parent / "pages"
MEMORY = 1536 * MEGABYTE
PARAGRAPH = "<p>The quick brown fox jumps over the lazy dog, again and again, until it is quite dark.</p>\n"


def extract(html: str, seconds: float = 60.0, memory_bytes: int = MEMORY) -> ExtractTextOutput:
    context = TaskContext(uuid.uuid4(), "local", "extract", 0, lambda: seconds)
    return extract_text(ExtractTextInput(html_content=html), context, memory_bytes)


def read_page(name: str) -> str:
    return (PAGES / name).read_text("utf-8")


def test_the_article_is_found_and_what_stands_around_it_is_not() -> None:
    output = extract(read_page("news_article.html"))
    for wanted in (
        "has run for five months without burning a litre of diesel",
        "In the event they stood still for 61 hours in all",
        "The tide turns four times a day whether the wind blows or not.",
        "What it cost",
        "Crossings made since October: 1,184",
        "the first new turbine could be in the water within two years",
    ):
        assert wanted in " ".join(output.text.split())
    for unwanted in (
        "cookies",
        "Crossword",
        "Luxury cruises",
        "Otter family",
        "seagull_77",
        "Privacy policy",
        "dataLayer",
    ):
        assert unwanted not in output.text
    assert output.title == "Tidal turbines power island ferry for a full winter"
    assert output.language == "en-GB"


def test_a_page_of_plain_divisions_in_german_is_read() -> None:
    output = extract(read_page("blog_post_de.html"))
    assert "Milchsäurebakterien in meinem Roggenteig" in output.text
    assert "Newsletter" not in output.text
    assert output.title == "Warum mein Sauerteig jetzt im Keller wohnt"
    assert output.language == "de"


@pytest.mark.parametrize(
    ("html", "language"),
    [
        ('<html xml:lang="fr"><body>{}</body></html>', "fr"),
        ('<html lang=" pt-BR "><body>{}</body></html>', "pt-BR"),
        ('<html lang=""><body>{}</body></html>', None),
        ('<html lang="&lt;script&gt;"><body>{}</body></html>', None),
        ("<html><body>{}</body></html>", None),
    ],
)
def test_the_language_is_what_the_page_declares(html: str, language: str | None) -> None:
    assert extract(html.format(PARAGRAPH * 5)).language == language


def test_a_page_that_declares_its_own_encoding_in_xml_is_read() -> None:
    declaration = '<?xml version="1.0" encoding="iso-8859-1"?>'
    html = f'{declaration}<html lang="de"><body>{PARAGRAPH * 3}<p>Übermäßig.</p></body></html>'
    assert "Übermäßig." in extract(html).text


@pytest.mark.parametrize(
    "html",
    ["", " \n", "<html></html>", "no markup at all", "<!-- nothing -->", "{}", read_page("script_only.html")],
    ids=["empty", "blank", "bare", "plain text", "comment", "json", "filled in by scripts"],
)
def test_a_page_without_text_is_a_clear_error(html: str) -> None:
    with pytest.raises(PermanentTaskError, match=r"^No text was found in the page\.") as failure:
        extract(html)
    assert failure.value.reason is ErrorReason.INVALID


def test_characters_that_are_no_text_do_no_harm() -> None:
    assert "fox" in extract(f"<html><body>\x00\x01\ud800\ufffe{PARAGRAPH * 3}</body></html>").text


def nest(tag: str, depth: int) -> str:
    return f"<html><body>{f'<{tag}>' * depth}{PARAGRAPH * 3}{f'</{tag}>' * depth}</body></html>"


@pytest.mark.parametrize(
    "make_html",
    [
        lambda: nest("div", 100_000),
        lambda: nest("b", 100_000),
        lambda: nest("table><tr><td", 50_000),
        lambda: "<" * MEGABYTE,
        lambda: "<html><body><div " + " ".join(f"a{number}=1" for number in range(10_000)) + f">{PARAGRAPH}",
        lambda: (
            '<html><head><script type="application/ld+json">' + "[" * 200_000 + f"</script></head><body>{PARAGRAPH}"
        ),
        lambda: (
            "<!DOCTYPE html [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><html><body><p>&b;</p></body></html>"
        ),
    ],
    ids=["nested div", "nested b", "nested tables", "only <", "many attributes", "nested json-ld", "entities"],
)
def test_a_page_made_to_break_parsers_is_read_or_refused_clearly(make_html: Callable[[], str]) -> None:
    try:
        assert extract(make_html()).text
    except PermanentTaskError as refusal:
        assert str(refusal).endswith(".")  # noqa: PT017 - either is right, a crash is not


def test_a_page_that_keeps_the_parser_busy_is_given_up_in_time() -> None:
    html = "<html><body>" + "<p>a" * (MEGABYTE // 4)
    with pytest.raises(
        PermanentTaskError, match=r"takes longer than 1 seconds: it is too large or too deeply nested"
    ) as failure:
        extract(html, seconds=6.0)
    assert failure.value.reason is ErrorReason.RESOURCES_EXCEEDED


@pytest.mark.parametrize("megabytes", [150, 256, 400])
def test_a_page_that_fills_the_memory_is_refused_and_the_worker_lives(megabytes: int) -> None:
    """While it is parsed or while it is copied: the message is the same."""
    html = "<html><body>" + "<p>a" * MEGABYTE
    with pytest.raises(PermanentTaskError, match=rf"takes more than {megabytes} MB of memory") as failure:
        extract(html, memory_bytes=megabytes * MEGABYTE)
    assert failure.value.reason is ErrorReason.RESOURCES_EXCEEDED


def test_a_worker_without_time_left_begins_nothing() -> None:
    with pytest.raises(RetryableTaskError) as failure:
        extract(read_page("news_article.html"), seconds=4.0)
    assert failure.value.reason is ErrorReason.TIMEOUT


def test_errors_say_nothing_of_the_machine() -> None:
    with pytest.raises(TaskError) as failure:
        extract("")
    assert "/" not in failure.value.message
