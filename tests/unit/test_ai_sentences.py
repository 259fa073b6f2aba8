import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_ai_task.sentences import cut_at_sentence


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("One is here. Two is here. Three is here.", "One is here. Two is here."),
        ("He said: “It is so!” And went", "He said: “It is so!”"),
        ("今天天气很好。我们去公园吧！他说好。然后", "今天天气很好。我们去公园吧！他说好。"),
        ("「そうですか。」と彼は言った。そして帰った", "「そうですか。」と彼は言った。"),
        ("यह पहला है। यह दूसरा है। यह तीसरा", "यह पहला है। यह दूसरा है।"),
        ("هل هذا سؤال؟ نعم هذا جواب. وهذا", "هل هذا سؤال؟ نعم هذا جواب."),
        ("A heading\nA second line\nA third", "A heading\nA second line"),
    ],
)
def test_a_text_is_cut_at_the_end_of_a_sentence(text: str, kept: str) -> None:
    assert cut_at_sentence(text, len(text) - 1) == kept


def test_a_sentence_that_just_fits_is_kept() -> None:
    assert (
        cut_at_sentence("One is here. Two is here. Three", len("One is here. Two is here."))
        == "One is here. Two is here."
    )


def test_a_point_within_a_number_ends_no_sentence() -> None:
    assert cut_at_sentence("It costs 3.50 or more than that", 24) == "It costs 3.50 or more"


def test_without_a_sentence_a_text_is_cut_between_words() -> None:
    assert cut_at_sentence("one two three four five", 20) == "one two three four"


def test_without_a_space_a_text_is_cut_anywhere() -> None:
    assert cut_at_sentence("x" * 50, 20) == "x" * 20


def test_no_more_than_half_is_given_up_for_the_end_of_a_sentence() -> None:
    assert cut_at_sentence("Short. " + "x" * 50, 40) == "Short. " + "x" * 33


def test_a_text_that_fits_stays_whole() -> None:
    assert cut_at_sentence("No end", 6) == "No end"


@given(st.text(alphabet="ab .!?\n。。", max_size=80), st.integers(min_value=0, max_value=80))
def test_what_is_kept_is_a_beginning_of_the_length_asked_for(text: str, length: int) -> None:
    kept = cut_at_sentence(text, length)
    assert text.startswith(kept)
    assert len(kept) <= length
