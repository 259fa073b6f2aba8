"""contracts/amperity.md, "List: query parameters": every filter, stable pages under inserts, the total, page tokens."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from amperity_api.requests import LIST_FIELDS
from local.stack import LocalStack
from stepcall.domain.ids import read_run_id, spell_execution
from stepcall.runtime import wiring
from tests.functional.amperity import COURIER, RUNS, Amperity, client_of_new_tenant, configure, refusal, staged, type_of
from tests.functional.carto import held, held_pages
from tests.functional.conftest import Api

OVERVIEW = {"created_at", "id", "name", "state", "tenant", "type"}
WORDS: Mapping[str, str] = {
    **dict.fromkeys(("running", "RUNNING", "In progress", "started"), "running"),
    **dict.fromkeys(("canceled", "Cancelled", "Stopped", "STOPPED"), "canceled"),
    **{word: word.lower() for word in ("succeeded", "Succeeded", "failed", "scheduled")},
}
"""What the vendor's clients call the states, and which one they mean."""
LISTED = OVERVIEW | {"principal_id", "principal_name"}


@pytest.fixture(scope="module")
def amperity(stack: LocalStack) -> Amperity:
    return client_of_new_tenant(stack)


@pytest.fixture(scope="module")
def owner(amperity: Amperity) -> Api:
    return Api(amperity.url, amperity.token)


@pytest.fixture
def courier(owner: Api) -> str:
    return configure(owner)


@pytest.fixture
def waiting(owner: Api, page_host: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The `config_id` of a workflow whose first task takes until the test is over."""
    with held_pages(monkeypatch):
        yield configure(owner, held(page_host, COURIER))


# --- What is in a list


def test_a_list_is_newest_first_and_says_of_each_run_what_the_overview_does_and_who_began_it(
    amperity: Amperity, courier: str
) -> None:
    started = [amperity.start(courier)["id"] for _ in range(3)]
    for run_id in started:
        amperity.ended(run_id)
    page = amperity.page(type=type_of(courier)).json
    assert page.keys() == {"data"}
    assert [run["id"] for run in page["data"]] == started[::-1]
    for run in page["data"]:
        assert run.keys() == LISTED | {"ended_at"}
        assert {name: run[name] for name in OVERVIEW} == {
            name: value for name, value in amperity.run(run["id"], "overview").items() if name != "ended_at"
        }


def test_a_list_says_why_a_run_has_failed(amperity: Amperity, owner: Api) -> None:
    config_id = configure(owner, tasks=[staged("bad", None, "$error('no such luck')")])
    run = amperity.ended(amperity.start(config_id)["id"])
    [listed] = amperity.page(type=type_of(config_id)).json["data"]
    assert listed["error"] == run["error"]


def test_runs_of_all_faces_are_listed(amperity: Amperity, owner: Api) -> None:
    config_id = configure(owner)
    workflow_id = owner("GET", "/workflows").json["workflows"][0]["workflow_id"]
    execution = owner("POST", f"/workflows/{workflow_id}/execute", {"input": {}}).json["execution_id"]
    [listed] = amperity.ids(type=type_of(config_id))
    assert spell_execution(read_run_id(listed)) == execution


def test_a_state_is_taken_in_the_vendors_words_in_any_case(amperity: Amperity, owner: Api, waiting: str) -> None:
    failing = configure(owner, tasks=[staged("bad", None, "$error('no')")])
    runs = {"running": amperity.start(waiting)["id"], "canceled": amperity.start(waiting)["id"]}
    runs |= {"succeeded": amperity.start(configure(owner))["id"], "failed": amperity.start(failing)["id"]}
    amperity.until(runs["running"], lambda run: run["state"] == "running")
    assert amperity.stop(runs["canceled"]).status == 200
    for name in ("succeeded", "failed"):
        amperity.ended(runs[name])
    for word, state in WORDS.items():
        found = set(runs.values()) & set(amperity.ids(state=word))
        assert found == ({runs[state]} if state in runs else set()), word


def test_a_type_is_that_of_the_workflow_to_the_letter(amperity: Amperity, owner: Api) -> None:
    kind = f"Ünusual & {uuid4().hex[:6]}"
    run = amperity.start(configure(owner, type=kind))
    assert amperity.ids(type=kind) == [run["id"]]
    assert amperity.ids(type=kind.lower()) == []


def test_created_from_is_inclusive_and_created_to_exclusive(amperity: Amperity, courier: str) -> None:
    runs = [amperity.start(courier) for _ in range(3)]
    times = [exact(run, "created_at") for run in runs]
    ids, kind = [run["id"] for run in runs], type_of(courier)
    assert amperity.ids(type=kind, created_from=times[1]) == [ids[2], ids[1]]
    assert amperity.ids(type=kind, created_to=times[1]) == [ids[0]]
    assert amperity.ids(type=kind, created_from=times[0], created_to=times[2]) == [ids[1], ids[0]]
    assert amperity.ids(type=kind, created_from=times[2], created_to=times[2]) == []
    assert amperity.page(type=kind, created_from=times[2], created_to=times[0]).status == 400
    day = datetime.fromisoformat(times[0]).date()
    assert amperity.ids(type=kind, created_from=day.isoformat()) == ids[::-1]
    assert amperity.ids(type=kind, created_from=(day + timedelta(days=2)).isoformat()) == []
    for bounds in ({"created_from": "0001"}, {"created_to": "9999-12-31"}, {"ended_to": "9999-12-31T23:59:59.999999Z"}):
        assert amperity.page(type=kind, **bounds).status == 200


def test_ended_from_is_inclusive_ended_to_exclusive_and_both_leave_out_what_goes_on(
    amperity: Amperity, courier: str, waiting: str
) -> None:
    amperity.start(waiting)
    runs = [amperity.ended(amperity.start(courier)["id"]) for _ in range(2)]
    first, second = (exact(run, "completed_at") for run in runs)
    ids, kind = [run["id"] for run in runs], type_of(courier)
    assert amperity.ids(type=kind, ended_from=second) == [ids[1]]
    assert amperity.ids(type=kind, ended_to=second) == [ids[0]]
    assert amperity.ids(type=kind, ended_from=first, ended_to=second) == [ids[0]]
    assert amperity.ids(type=type_of(waiting), ended_from="2020") == []
    assert amperity.ids(type=type_of(waiting), ended_to="2999") == []


def exact(run: Any, name: str) -> str:
    """To the microsecond, which answers leave out."""
    record = wiring.face_dependencies().runs.get_for_end(read_run_id(run["id"])).run
    time: datetime = getattr(record, name)
    return time.isoformat()


# --- Pages


def test_pages_are_stable_while_runs_are_started(amperity: Amperity, courier: str) -> None:
    before = [amperity.start(courier)["id"] for _ in range(7)]
    seen: list[str] = []
    for page in amperity.pages(type=type_of(courier), limit=2):
        seen += [run["id"] for run in page["data"]]
        amperity.start(courier)
    assert seen == before[::-1]


def test_the_last_page_has_no_next_token_at_all(amperity: Amperity, courier: str) -> None:
    for _ in range(3):
        amperity.start(courier)
    kind = type_of(courier)
    first, last = amperity.pages(type=kind, limit=2)
    assert (first.keys(), last.keys()) == ({"data", "next_token"}, {"data"})
    assert amperity.page(type=kind, limit=3).json.keys() == {"data"}
    assert amperity.page(type=f"no.{kind}").json == {"data": []}


def test_the_total_is_told_when_asked_for_and_is_of_all_pages(amperity: Amperity, courier: str) -> None:
    for _ in range(3):
        amperity.start(courier)
    kind = type_of(courier)
    for word in ("true", "TRUE", "True"):
        assert [page["total"] for page in amperity.pages(type=kind, limit=2, with_total=word)] == [3, 3]
    assert "total" not in amperity.page(type=kind, with_total="False").json
    assert amperity.page(type=f"no.{kind}", with_total="true").json == {"data": [], "total": 0}


@pytest.mark.parametrize(
    ("query", "says"),
    [
        *((f"limit={text}", "from 1 to 1000") for text in ("0", "-1", "1001", "99999", "1.5", "ten", "+", "%D9%A1")),
        ("state=finalizing", "`succeeded`"),
        ("state=+", "`running`"),
        ("with_total=yes", "`true`, `false`"),
        ("created_from=yesterday", "`created_from` must be an ISO 8601 time"),
        ("ended_to=2025-13", "`ended_to` is no time that there is"),
        ("limit=1&limit=2", "Sent more than once: `limit`"),
        ("type=%FF", "not UTF-8"),
        ("next_token=+", "`next_token` is not of this list"),
    ],
)
def test_a_query_that_cannot_be_meant_is_400(amperity: Amperity, query: str, says: str) -> None:
    status, message = refusal(amperity("GET", f"{RUNS}?{query}"))
    assert (status, says in message) == (400, True), message


def test_unknown_parameters_are_ignored(amperity: Amperity) -> None:
    assert amperity("GET", f"{RUNS}?sort=asc&sort=desc&limit=1&tenant=other").status == 200


def test_empty_parameters_are_ignored_as_generated_clients_send_them(amperity: Amperity, courier: str) -> None:
    run = amperity.start(courier)["id"]
    empty = "&".join(f"{name}=" for name in (*LIST_FIELDS, "api_version"))
    assert amperity("GET", f"{RUNS}?{empty}").json["data"][0]["id"] == run
    assert amperity("GET", f"{RUNS}/{run}?view=").status == 200
