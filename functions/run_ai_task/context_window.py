"""How much text a model takes.

Tokens are estimated and not counted: each family of models counts in its own way, and `tiktoken` downloads the
vocabulary it counts with when it is first used. The estimate is rather too high; where it is too low the model says so.
"""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from run_ai_task.sentences import cut_at_sentence

# Input tokens by the beginning of the model's name. GPT-5 keeps 128,000 of its 400,000 for output.
INPUT_WINDOWS = {
    "gpt-3.5-turbo": 16_385,
    "gpt-4": 8_192,
    "gpt-4-32k": 32_768,
    "gpt-4-turbo": 128_000,
    "gpt-4-0125": 128_000,
    "gpt-4-1106": 128_000,
    "gpt-4o": 128_000,
    "chatgpt-4o": 128_000,
    "gpt-4.1": 1_047_576,
    "gpt-5": 272_000,
    "gpt-oss": 131_072,
    "o1": 200_000,
    "o1-mini": 128_000,
    "o1-preview": 128_000,
    "o3": 200_000,
    "o4": 200_000,
}
DEFAULT_WINDOW = 32_768
ANSWER_TOKENS = 4_096
ANSWER_LIMITS = ("max_completion_tokens", "max_tokens")
INSTRUCTION_TOKENS = 256

ASCII_CHARACTERS_PER_TOKEN = 3  # 4 in English prose, fewer in code and tables
OTHER_BYTES_PER_TOKEN = 2  # of UTF-8: a Cyrillic letter 1 token, a Chinese character or an Indic letter 1.5, an emoji 2


def cut_to_window(text: str, model: str, parameters: Mapping[str, Any]) -> str:
    """The text, or as much of its beginning as the model takes beside the instructions and its answer."""
    window = input_window(model)
    return cut_to_tokens(text, window - INSTRUCTION_TOKENS - min(_answer_tokens(parameters), window // 2))


def input_window(model: str) -> int:
    """In tokens. Routers put a vendor before the name: `openai/gpt-4o`."""
    name = model.rpartition("/")[2].lower()
    families = [family for family in INPUT_WINDOWS if name.startswith(family)]
    return INPUT_WINDOWS[max(families, key=len)] if families else DEFAULT_WINDOW


def estimate_tokens(text: str) -> int:
    ascii_characters = len(text.encode("ascii", "ignore"))
    other_bytes = len(text.encode()) - ascii_characters
    return ascii_characters // ASCII_CHARACTERS_PER_TOKEN + other_bytes // OTHER_BYTES_PER_TOKEN


def cut_to_tokens(text: str, tokens: int) -> str:
    if estimate_tokens(text) <= tokens:
        return text
    longest = range(min(len(text), (tokens + 1) * ASCII_CHARACTERS_PER_TOKEN))
    length = bisect_right(longest, tokens, key=lambda length: estimate_tokens(text[:length])) - 1
    return cut_at_sentence(text, length)


def _answer_tokens(parameters: Mapping[str, Any]) -> int:
    limits = (parameters.get(name) for name in ANSWER_LIMITS)
    return next((limit for limit in limits if isinstance(limit, int) and limit > 0), ANSWER_TOKENS)
