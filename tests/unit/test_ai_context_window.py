from typing import Any

import pytest

from run_ai_task.context_window import DEFAULT_WINDOW, cut_to_tokens, cut_to_window, estimate_tokens, input_window


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ("gpt-3.5-turbo", 16_385),
        ("gpt-4", 8_192),
        ("gpt-4-0613", 8_192),
        ("gpt-4-turbo-2024-04-09", 128_000),
        ("gpt-4o-mini", 128_000),
        ("gpt-4.1-nano", 1_047_576),
        ("GPT-5-mini", 272_000),
        ("openai/o3-mini", 200_000),
        ("extractive", DEFAULT_WINDOW),
        ("some-vendor/some-model", DEFAULT_WINDOW),
    ],
)
def test_the_window_is_that_of_the_models_family(model: str, window: int) -> None:
    assert input_window(model) == window


def test_other_scripts_are_estimated_higher_than_english() -> None:
    assert estimate_tokens("abc" * 100) == 100
    assert estimate_tokens("я" * 100) == 100
    assert estimate_tokens("字" * 100) == 150
    assert estimate_tokens("🙂" * 100) == 200


@pytest.mark.parametrize("sentence", ["It was a fine day. ", "Был хороший день. ", "今天天气很好。"])
def test_a_cut_text_is_estimated_to_fit_and_is_not_much_shorter(sentence: str) -> None:
    kept = cut_to_tokens(sentence * 10_000, 1_000)
    assert kept.endswith(sentence.rstrip())
    assert 950 <= estimate_tokens(kept) <= 1_000


def test_a_text_that_fits_is_not_touched() -> None:
    assert cut_to_window("No end here ", "gpt-4", {}) == "No end here "


@pytest.mark.parametrize(
    ("parameters", "room"),
    [({}, 4_096), ({"max_tokens": 150}, 150), ({"max_completion_tokens": 1000}, 1000), ({"max_tokens": 10**9}, 4_096)],
)
def test_room_is_kept_for_the_answer(parameters: dict[str, Any], room: int) -> None:
    kept = cut_to_window("It was a fine day. " * 10_000, "gpt-4", parameters)
    assert 8_192 - room - 256 - 10 <= estimate_tokens(kept) <= 8_192 - room - 256


def test_a_nonsensical_limit_of_tokens_is_left_to_the_endpoint() -> None:
    assert cut_to_window("text", "gpt-4", {"max_tokens": "many"}) == "text"
