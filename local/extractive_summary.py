"""Summarises a text by choosing sentences of its own: the language model of a stack that has none.

The choice is `sumy`'s Reduction: a sentence is rated by the words it shares with the others.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence
from sumy.nlp.stemmers import Stemmer
from sumy.summarizers.reduction import ReductionSummarizer
from sumy.utils import get_stop_words

from local.text_sentences import cut_sentences
from local.text_tokens import count_tokens, cut_words

# Those for which sumy has both stop words and stems without a further package.
LANGUAGES = ("arabic", "english", "french", "german", "italian", "portuguese", "spanish", "swedish")
GUESSED_FROM_CHARACTERS = 20_000
LARGEST_SHARE = 3  # a summary has at most a third of the sentences
DEFAULT_TOKENS = 200
MAX_COMPARED = 200  # every sentence is compared with every other, which takes a tenth of a second
KEPT_OF_EACH = 20

Pick = Callable[[list[str]], list[str]]
"""Takes some of the sentences, which come best first."""


def summarize(text: str, max_tokens: int | None = None) -> str:
    """Sentences of the text, verbatim and in its order; at least one, else at most `max_tokens` of `count_tokens`."""
    sentences = list(dict.fromkeys(cut_sentences(text)))
    share = -(-len(sentences) // LARGEST_SHARE)
    language = _guess_language(text)
    while len(sentences) > MAX_COMPARED:
        # the best of each part, and again, until those left can all be compared
        parts = (sentences[start : start + MAX_COMPARED] for start in range(0, len(sentences), MAX_COMPARED))
        sentences = [best for part in parts for best in _choose(part, lambda ranked: ranked[:KEPT_OF_EACH], language)]
    chosen = _choose(sentences, lambda ranked: _fitting(ranked[:share], max_tokens or DEFAULT_TOKENS), language)
    return " ".join(chosen)


class _Tokenizer:
    """As much of sumy's Tokenizer as rating takes."""

    to_words = staticmethod(cut_words)


def _choose(sentences: Sequence[str], pick: Pick, language: str | None) -> list[str]:
    """What `pick` takes, in the order of `sentences`."""
    document = ObjectDocumentModel([Paragraph([Sentence(sentence, _Tokenizer) for sentence in sentences])])

    def count(ranked: list[Any]) -> list[Any]:
        taken = set(pick([str(info.sentence) for info in ranked]))
        return [info for info in ranked if str(info.sentence) in taken]

    return [str(sentence) for sentence in _summarizer(language)(document, count)]


def _summarizer(language: str | None) -> Any:
    # made for each use: some of nltk's stemmers keep what they are at in themselves, and threads come here
    if language is None:
        return ReductionSummarizer()
    summarizer = ReductionSummarizer(Stemmer(language))
    summarizer.stop_words = _stop_words(language)
    return summarizer


@cache
def _stop_words(language: str) -> frozenset[str]:
    words: frozenset[str] = get_stop_words(language)
    return words


def _guess_language(text: str) -> str | None:
    """The language whose stop words make up most of the text; None where no language has any."""
    words = [word.lower() for word in cut_words(text[:GUESSED_FROM_CHARACTERS])]
    counts = {language: sum(word in _stop_words(language) for word in words) for language in LANGUAGES}
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] else None


def _fitting(ranked: list[str], max_tokens: int) -> list[str]:
    """As many as fit together, the best first; where none fits, the shortest."""
    left = max_tokens
    taken = []
    for sentence in ranked:
        if (tokens := count_tokens(sentence)) <= left:
            taken.append(sentence)
            left -= tokens
    return taken or sorted(ranked, key=count_tokens)[:1]
