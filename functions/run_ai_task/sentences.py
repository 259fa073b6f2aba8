"""Where sentences end, in the scripts of the world."""

import re

SENTENCE_END = re.compile(
    r"""
      [.!?…]+ ["'”’»)\]]* (?=\s)                # where spaces stand between words
    | [。！？｡．‼⁇⁈⁉]+ [」』”’）】》]*            # Chinese, Japanese: no space follows
    | [؟۔।॥։።፧။།៕᙮꓿]+ (?=\s)                   # Arabic, Urdu, Indic, Armenian, Ethiopic, Burmese, Tibetan, Khmer, …
    | \n                                        # a paragraph or a heading
    """,
    re.VERBOSE,
)


def cut_at_sentence(text: str, length: int) -> str:
    """The beginning of a text, at most `length` characters: to the end of a sentence, else of a word, else anywhere.

    No more than half of `length` is given up for a good place to end.
    """
    if len(text) <= length:
        return text
    earliest = length // 2
    # one character more is looked at: the space after a sentence that just fits
    ends = [match.end() for match in SENTENCE_END.finditer(text, earliest, length + 1) if match.end() <= length]
    if ends:
        return text[: ends[-1]].rstrip()
    space = text.rfind(" ", earliest, length + 1)
    return text[: space if space > 0 else length]
