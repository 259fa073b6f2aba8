"""Words and tokens of a text in any script, by regular expressions."""

import re

# Scripts that put no space between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese. A character stands for a word.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
LETTER = rf"(?:(?![{UNSPACED}])[^\W\d_])"
WORD = re.compile(rf"[{UNSPACED}]|{LETTER}+(?:['’-]{LETTER}+)*")
TOKEN = re.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}])\w)+|[^\w\s]")


def cut_words(text: str) -> tuple[str, ...]:
    """Words without numbers and marks."""
    return tuple(WORD.findall(text))


def count_tokens(text: str) -> int:
    """Words, numbers and punctuation marks."""
    return sum(1 for _ in TOKEN.finditer(text))
