"""Page tokens: made by us alone, each for one list, through a rotation of the keys."""

from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcall.aws.secrets import SecretsUnavailableError
from stepcall.aws.token_keys import SigningKey
from stepcall.runtime.authentication import TokensUnavailableError
from stepcall.runtime.http import InvalidRequestError
from stepcall.runtime.page_tokens import LENGTH, REFUSED, PageTokens

RUN = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
OLD, NEW, NEXT = (SigningKey(kid, kid * 32) for kid in ("old", "new", "next"))


@dataclass
class Keys:
    """What there is in Secrets Manager, the newest first."""

    known: list[SigningKey] = field(default_factory=lambda: [NEW, OLD])

    def current(self) -> SigningKey:
        return self.known[0]

    def find_where(self, fits: Callable[[SigningKey], bool]) -> SigningKey | None:
        return next(filter(fits, self.known), None)


class UnreadKeys(Keys):
    def current(self) -> SigningKey:
        raise SecretsUnavailableError("Secrets Manager does not answer.")

    def find_where(self, fits: Callable[[SigningKey], bool]) -> SigningKey | None:
        raise SecretsUnavailableError("Secrets Manager does not answer.")


def is_refused(tokens: PageTokens, text: str, of: str) -> bool:
    try:
        tokens.read(text, of)
    except InvalidRequestError as error:
        return str(error) == REFUSED
    return False


@given(st.uuids(), st.text())
def test_a_token_names_its_run_to_who_lists_the_same_again(run_id: UUID, of: str) -> None:
    text = PageTokens(Keys()).write(run_id, of)
    assert len(text) == LENGTH
    assert PageTokens(Keys()).read(text, of) == run_id


def test_a_token_tells_neither_its_run_nor_when_that_was_made() -> None:
    """A list may go on after a run that a narrowed key does not see."""
    next_run = UUID(int=RUN.int + 1)
    one, other = (urlsafe_b64decode(f"{PageTokens(Keys()).write(run, 'list')}=") for run in (RUN, next_run))
    for start in range(32 - 6 + 1):
        assert RUN.bytes[:6] != one[start : start + 6]
    assert sum(byte == also for byte, also in zip(one, other, strict=True)) < 8  # of 32; by chance, none or one
    made = PageTokens(Keys()).write(RUN, "another list")
    assert urlsafe_b64decode(f"{made}=")[16:] != one[16:]


def test_a_token_counts_while_its_key_is_one_of_the_two() -> None:
    text = PageTokens(Keys([OLD])).write(RUN, "list")
    assert PageTokens(Keys([NEW, OLD])).read(text, "list") == RUN
    assert is_refused(PageTokens(Keys([NEXT, NEW])), text, "list")


@given(st.text(), st.text())
def test_a_token_of_one_list_is_none_of_another(one: str, other: str) -> None:
    tokens = PageTokens(Keys())
    assert is_refused(tokens, tokens.write(RUN, one), other) == (one != other)


@given(st.data())
def test_a_token_that_was_changed_anywhere_is_refused(data: st.DataObject) -> None:
    tokens = PageTokens(Keys())
    text = tokens.write(RUN, "list")
    place = data.draw(st.integers(0, LENGTH - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda character: character != text[place]))
    assert is_refused(tokens, text[:place] + other + text[place + 1 :], "list")


@given(st.one_of(st.text(), st.text(alphabet="AZaz09-_=", min_size=LENGTH, max_size=LENGTH)))
def test_other_text_is_no_token(text: str) -> None:
    assert is_refused(PageTokens(Keys()), text, "list")


def test_keys_that_cannot_be_read_are_not_the_callers_fault() -> None:
    text = PageTokens(Keys()).write(RUN, "list")
    with pytest.raises(TokensUnavailableError):
        PageTokens(UnreadKeys()).read(text, "list")
    with pytest.raises(TokensUnavailableError):
        PageTokens(UnreadKeys()).write(RUN, "list")
