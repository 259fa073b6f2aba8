"""contracts/amperity.md, "List": what goes on where a page ends, and whose runs a caller is shown."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import boto3
import pytest

from local.stack import LocalStack
from stepcall.domain.access import Grants
from stepcall.domain.ids import read_run_id, spell_execution
from stepcall.runtime import wiring
from stepcall.runtime.page_tokens import REFUSED
from tests.functional.amperity import (
    RUNS,
    Amperity,
    amperity_with_key,
    client_of_new_tenant,
    configure,
    refusal,
    type_of,
)
from tests.functional.conftest import Api


@pytest.fixture(scope="module")
def amperity(stack: LocalStack) -> Amperity:
    return client_of_new_tenant(stack)


@pytest.fixture(scope="module")
def owner(amperity: Amperity) -> Api:
    return Api(amperity.url, amperity.token)


@pytest.fixture
def courier(owner: Api) -> str:
    return configure(owner)


# --- Page tokens


@pytest.fixture
def token(amperity: Amperity, courier: str) -> str:
    for _ in range(2):
        amperity.start(courier)
    text: str = amperity.page(type=type_of(courier), limit=1).json["next_token"]
    return text


def test_a_forged_token_is_400(amperity: Amperity, courier: str, token: str) -> None:
    raw = urlsafe_b64decode(f"{token}=")
    other_run = read_run_id(amperity.start(courier)["id"]).bytes
    forged = [
        *(token[:-1], f"{token}A", f"{token}=", token.swapcase(), "é" * 43, "A" * 43, spell_execution(uuid4())),
        urlsafe_b64encode(other_run + raw[16:]).decode().rstrip("="),
        urlsafe_b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode().rstrip("="),
    ]
    for text in forged:
        assert refusal(amperity.page(type=type_of(courier), next_token=text)) == (400, REFUSED)
    assert amperity.page(type=type_of(courier), next_token=token).status == 200


def test_a_token_of_another_list_or_of_another_tenant_is_400(
    stack: LocalStack, amperity: Amperity, courier: str, token: str
) -> None:
    kind = type_of(courier)
    stranger = amperity_with_key(stack, "sc_lists_stranger", tenant="strange")
    for client, query in (
        (amperity, {}),
        (amperity, {"type": "other"}),
        (amperity, {"type": kind, "state": "running"}),
        (amperity, {"type": kind, "created_from": "2025"}),
        (stranger, {"type": kind}),
    ):
        assert refusal(client.page(**query, next_token=token)) == (400, REFUSED)


def test_a_token_counts_for_the_same_filters_in_other_words_and_for_pages_of_another_size(
    amperity: Amperity, courier: str
) -> None:
    for _ in range(3):
        amperity.ended(amperity.start(courier)["id"])
    kind = type_of(courier)
    token = amperity.page(type=kind, limit=1, state="Succeeded", created_from="2025").json["next_token"]
    more = {"state": "SUCCEEDED", "created_from": "2025-01-01T00:00Z", "with_total": "true"}
    page = amperity.page(type=kind, limit=5, next_token=token, **more)
    assert (page.status, len(page.json["data"]), page.json["total"]) == (200, 2, 3)


def test_a_token_outlives_one_rotation_of_the_key_and_not_two(
    stack: LocalStack, amperity: Amperity, courier: str, token: str
) -> None:
    secrets, secret_arn = boto3.client("secretsmanager"), stack.deployment.names["TokenKeySecret"]

    def rotate() -> int:
        secrets.put_secret_value(SecretId=secret_arn, SecretString=uuid4().hex * 2)
        for remembered in (wiring.page_tokens, wiring.tokens, wiring.token_keys, wiring.authenticator):
            remembered.cache_clear()
        return amperity.page(type=type_of(courier), next_token=token).status

    assert [rotate(), rotate()] == [200, 400]


# --- Who sees what


def test_a_narrowed_key_lists_and_counts_the_runs_of_its_workflows_and_no_others(
    stack: LocalStack, amperity: Amperity, owner: Api
) -> None:
    own, other = configure(owner), configure(owner)
    mine = [amperity.start(config_id)["id"] for config_id in (own, other, own, other, own)][::2]
    workflow_id = wiring.face_dependencies().runs.get_for_end(read_run_id(mine[0])).run.workflow_id
    narrow = amperity_with_key(
        stack, f"{amperity.token}_narrow", tenant=str(amperity.tenant), grants=Grants(frozenset({workflow_id}))
    )
    found = list(narrow.pages(limit=2, with_total="true"))
    assert [run["id"] for page in found for run in page["data"]] == mine[::-1]
    assert {page["total"] for page in found} == {3}


def test_a_job_token_lists_its_run_and_no_other(amperity: Amperity, owner: Api, courier: str) -> None:
    runs = [amperity.ended(amperity.start(courier)["id"]) for _ in range(3)]
    record = wiring.face_dependencies().runs.get_for_end(read_run_id(runs[1]["id"])).run
    path = f"/workflows/{record.workflow_id}/executions/{record.run_id}/token"
    reader = Amperity(amperity.url, owner("POST", path).json["token"], amperity.tenant)
    listed = reader.page(with_total="true", limit=1).json
    assert ([run["id"] for run in listed["data"]], listed["total"]) == ([runs[1]["id"]], 1)
    assert listed.keys() == {"data", "total"}
    assert reader.page(state="failed", with_total="true").json == {"data": [], "total": 0}
    assert reader("GET", f"{RUNS}/{runs[1]['id']}").status == 200
    assert reader("GET", f"{RUNS}/{runs[0]['id']}").status == 403
    assert reader.post({"config_id": courier}).status == reader.stop(runs[1]["id"]).status == 403


def test_many_callers_that_list_at_once_are_all_served(amperity: Amperity, courier: str) -> None:
    amperity.start(courier)
    ask: Callable[[int], int] = lambda _: amperity.page(limit=1, with_total="true").status  # noqa: E731
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(16))) == {200}
