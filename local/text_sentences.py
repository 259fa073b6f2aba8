"""Sentences of a text in any script, by `nltk`'s Punkt without the trained models, which would be downloaded."""

import re
from collections.abc import Iterator

from nltk.tokenize.punkt import PunktLanguageVars, PunktParameters, PunktSentenceTokenizer

SENTENCE_ENDS = (".", "?", "!", "…", "؟", "۔", "।", "॥", "։", "።", "။", "៕")
ENDS_A_SENTENCE = re.compile(rf"[{''.join(SENTENCE_ENDS)}。！？｡][\"'”’»)\]」』）】》]*$")
UNSPACED_SENTENCE = re.compile(r".*?[。！？｡]+[」』”’）】》]*|.+")
# Those that stand before names and numbers, where Punkt cannot see by itself that the sentence goes on.
ABBREVIATIONS = {
    *("dr", "mr", "mrs", "ms", "prof", "st", "jr", "sr", "gen", "col", "capt", "lt", "sgt", "rev", "gov"),
    *(
        "e.g",
        "i.e",
        "vs",
        "al",
        "ca",
        "approx",
        "fig",
        "vol",
        "pp",
        "ed",
        "dept",
        "inc",
        "ltd",
        "co",
        "corp",
        "u.s",
        "u.k",
    ),
    *("jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"),
    *("z.b", "d.h", "bzw", "vgl", "sog", "nr", "hr", "fr", "mme", "mlle", "dott", "sra", "ud", "uds"),
}


class _LanguageVars(PunktLanguageVars):  # type: ignore[misc] # nltk has no types
    sent_end_chars = SENTENCE_ENDS


def _make_punkt() -> PunktSentenceTokenizer:
    parameters = PunktParameters()
    parameters.abbrev_types.update(ABBREVIATIONS)
    return PunktSentenceTokenizer(parameters, lang_vars=_LanguageVars())


PUNKT = _make_punkt()


def cut_sentences(text: str) -> list[str]:
    """The sentences, verbatim. A line that does not end as a sentence does is a heading or a label, and is left out
    unless the whole text is made of such lines.
    """
    pieces = [piece for line in text.splitlines() for piece in _pieces(line)]
    return [piece for piece in pieces if ENDS_A_SENTENCE.search(piece)] or pieces


def _pieces(line: str) -> Iterator[str]:
    for sentence in PUNKT.tokenize(line):
        for match in UNSPACED_SENTENCE.finditer(sentence):
            if piece := match.group().strip():
                yield piece
