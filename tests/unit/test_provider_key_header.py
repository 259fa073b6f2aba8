"""`X-OpenAI-Key` as the native face takes it."""

import pytest

from stepcall.runtime.http import InvalidRequestError
from workflows_api.requests import read_provider_key


@pytest.mark.parametrize("key", ["k", "sk-proj-A_b.9", "!~", "x" * 512])
def test_a_key_is_taken_as_it_is(key: str) -> None:
    assert read_provider_key({"x-openai-key": key}) == key
    assert read_provider_key({"x-openai-key": f" {key}\t"}) == key, "the blanks around a header's value are none of it"


def test_most_requests_have_none() -> None:
    assert read_provider_key({"x-api-key": "sc_x"}) is None


@pytest.mark.parametrize("key", ["", " ", "x" * 513, "sk 1", "sk-1\n", "sk-\x00", "sk-\x7f", "schlüssel", "sk-\ud800"])
def test_what_is_no_key_is_refused_at_its_place_and_not_repeated(key: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_provider_key({"x-openai-key": key})
    [problem] = caught.value.problems
    assert (problem.location, problem.code) == ("/x-openai-key", "invalid_value")
    assert not key.strip() or key not in f"{caught.value} {problem}"
