"""What the Amperity face reads: bodies in all encodings, modes and ranges, lists; and the workflow of a `config_id`."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from hypothesis import given
from hypothesis import strategies as st

from amperity_api.admission import RequestsLimitedError, require_version
from amperity_api.fields import read_body_fields, read_query_fields
from amperity_api.problems import ANSWERS, print_error
from amperity_api.requests import LIST_FIELDS, START_FIELDS, STATES, ListRequest, read_is_verbose, read_list, read_start
from stepcall.domain.access import Grants, NotGrantedError, RateLimit
from stepcall.domain.json_text import MalformedJsonError
from stepcall.domain.run import RunStatus, TimeRange
from stepcall.domain.run_mode import RunMode
from stepcall.runtime.http import InvalidRequestError
from stepcall.stores.rate_limit_store import BucketUnavailableError
from stepcall.stores.run_store import RunFilter
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.count_use import count_use
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.list_tenant_runs import TooManyRunsError
from stepcall.use_cases.start_configured_run import StartConfiguredRun, start_configured_run
from tests.sample_workflows import workflow
from tests.unit.run_world import CALLER, STRANGER, RunWorld

APRIL = TimeRange(datetime(2025, 4, 18, tzinfo=UTC), datetime(2025, 4, 19, tzinfo=UTC))
FIELDS = st.dictionaries(st.sampled_from(START_FIELDS), st.text(min_size=1))


@given(FIELDS)
def test_fields_are_the_same_as_json_and_as_a_form(fields: dict[str, str]) -> None:
    for body in (
        json.dumps(fields).encode(),
        b"\xef\xbb\xbf \n" + json.dumps(fields, ensure_ascii=False).encode(),
        urlencode(fields).encode(),
    ):
        assert read_body_fields(body, START_FIELDS) == fields


@given(st.binary(max_size=60))
def test_any_body_is_read_or_refused_and_never_a_bug(body: bytes) -> None:
    try:
        fields = read_body_fields(body, START_FIELDS)
    except (InvalidRequestError, MalformedJsonError):
        return
    assert set(fields) <= set(START_FIELDS)


@given(st.text(max_size=60))
def test_any_query_is_read_or_refused_and_never_a_bug(query: str) -> None:
    for read in (read_list, read_is_verbose):
        try:
            read(query)
        except InvalidRequestError:
            continue


def test_a_start_is_a_full_run_about_no_time_unless_it_says_otherwise() -> None:
    assert read_start({"config_id": "cg"}) == StartConfiguredRun("cg", RunMode.FULL, None)
    sent = {"config_id": "cg", "run_mode": "source", "range_from": "2025-04-18", "api_version": "2024-04-01"}
    assert read_start(sent) == StartConfiguredRun("cg", RunMode.SOURCE, APRIL)
    assert read_start(sent | {"range_to": "2025-04-19"}).time_range == APRIL


def test_a_list_without_a_query_is_of_all_runs() -> None:
    assert read_list("") == ListRequest(RunFilter(), 50, None, with_total=False)
    asked = "state=In+progress&type=a%2Fb&created_from=2025-04-18&ended_to=2025-04-19&limit=1000&with_total=TRUE"
    only = RunFilter(status=RunStatus.RUNNING, workflow_type="a/b", created_from=APRIL.start, ended_to=APRIL.end)
    assert read_list(f"{asked}&next_token=x&other=1") == ListRequest(only, 1000, "x", with_total=True)


@pytest.mark.parametrize("name", [*LIST_FIELDS, "other"])
def test_an_empty_parameter_is_as_if_it_were_not_there(name: str) -> None:
    assert read_list(f"{name}=&{name}=") == read_list("")
    assert read_is_verbose("view=") is False


def test_an_empty_field_of_a_form_is_as_if_it_were_not_there_and_an_empty_text_of_json_is_not() -> None:
    form = b"config_id=cg&run_mode=&range_from=&range_to=&api_version="
    assert read_body_fields(form, START_FIELDS) == {"config_id": "cg"}
    assert read_body_fields(b'{"run_mode": ""}', START_FIELDS) == {"run_mode": ""}
    for body in (b"mode=", b"config_id=a&config_id="):
        with pytest.raises(InvalidRequestError, match=r"`mode`|more than once"):
            read_body_fields(body, START_FIELDS)


@pytest.mark.parametrize("what", ["created", "ended"])
def test_a_list_that_ends_before_it_begins_is_refused(what: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"^`{what}_from` is later than `{what}_to`"):
        read_list(f"{what}_from=2025-04-18T00:00:00.000001&{what}_to=2025-04-18")
    assert read_list(f"{what}_from=2025-04-18&{what}_to=2025-04-18").limit == 50


def test_the_ends_of_a_range_are_cut_to_milliseconds_before_they_are_compared() -> None:
    sent = {"config_id": "cg", "range_from": "2025-04-18T00:00:00.000999Z"}
    assert read_start(sent).time_range == APRIL
    assert read_start(sent | {"range_to": "2025-04-19T00:00:00.000001Z"}).time_range == APRIL
    with pytest.raises(InvalidRequestError, match="send the next day, or leave it out"):
        read_start(sent | {"range_from": "2025-04-18", "range_to": "2025-04-18T00:00:00.000999Z"})


def test_every_word_for_a_state_is_one_that_a_run_can_have() -> None:
    assert set(STATES.values()) == set(RunStatus)


def test_no_two_lists_have_one_name() -> None:
    time = APRIL.start
    filters = [
        *(RunFilter(), RunFilter(created_from=time), RunFilter(created_to=time), RunFilter(ended_from=time)),
        *(RunFilter(ended_to=time), RunFilter(status=RunStatus.FAILED), RunFilter(workflow_type="FAILED")),
    ]
    asked = [ListRequest(only, 1, None, with_total=False) for only in filters]
    names = {request.name_of_list(tenant) for request in asked for tenant in ("a", "b")}
    assert len(names) == 2 * len(filters)
    assert asked[0]._replace(limit=7, next_token="x", with_total=True).name_of_list("a") in names


def test_the_first_version_that_is_given_counts() -> None:
    good, bad = "2024-04-01", "2023-01-01"
    require_version({}, {}, {})
    require_version({"api-version": good}, {"api_version": bad}, {"api_version": bad})
    require_version({}, {"api_version": good, "api-version": bad}, {"api_version": bad})
    for headers, query, fields in (
        ({"api-version": bad}, {}, {}),
        ({}, {"api-version": bad}, {}),
        ({}, {}, {"api_version": bad}),
    ):
        with pytest.raises(InvalidRequestError, match="not supported"):
            require_version(headers, query, fields)


def test_known_parameters_of_a_query_stand_there_once_and_others_as_often_as_they_like() -> None:
    assert read_query_fields("a=1&b=2&b=3", ["a"]) == {"a": "1"}
    with pytest.raises(InvalidRequestError, match="`a`"):
        read_query_fields("a=1&a=1", ["a"])
    with pytest.raises(InvalidRequestError, match="more than 100"):
        read_query_fields("&".join(["b=1"] * 101), ["a"])


# --- The workflow of a config_id


def test_a_run_is_started_by_its_workflows_alias_of_the_same_tenant() -> None:
    world = RunWorld()
    own = world.define(workflow() | {"config_id": "cg-1"})
    other = world.define(workflow() | {"config_id": "cg-1"}, STRANGER)
    run = start_configured_run(StartConfiguredRun("cg-1", time_range=APRIL), CALLER, world.deps)
    assert (run.workflow_id, run.tenant, run.time_range) == (own.workflow_id, "acme", APRIL)
    assert start_configured_run(StartConfiguredRun("cg-1"), STRANGER, world.deps).workflow_id == other.workflow_id
    with pytest.raises(WorkflowNotFoundError):
        start_configured_run(StartConfiguredRun(str(other.workflow_id)), CALLER, world.deps)
    with pytest.raises(NotGrantedError):
        start_configured_run(StartConfiguredRun("cg-1"), replace(CALLER, grants=Grants()), world.deps)


@pytest.mark.parametrize("config_id", ["cg-2", "x" * 65, "x" * 100_000])
def test_an_alias_that_there_is_not_is_no_workflow(config_id: str) -> None:
    world = RunWorld()
    world.define(workflow() | {"config_id": "cg-1"})
    with pytest.raises(WorkflowNotFoundError):
        start_configured_run(StartConfiguredRun(config_id), CALLER, world.deps)


# --- Errors


class NoBucket:
    """A rate limit store that is throttled."""

    def take(self, tenant: str, key_id: str, limit: RateLimit, now: int) -> None:
        raise BucketUnavailableError("DynamoDB answered ThrottlingException.")

    def last_seen(self, tenant: str, key_id: str) -> int:
        return 0


def test_requests_that_cannot_be_counted_are_let_through_and_reported() -> None:
    world = RunWorld(rate_limits=NoBucket())
    count_use("face:amperity", RateLimit(10, 10), CALLER, world.deps, uncounted="request_not_counted")
    assert world.events() == ["request_not_counted"]


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (RequestsLimitedError(RateLimit(10, 10), 0, 1_500_000), 429, "again after 2 s"),
        (TooManyRunsError("many"), 400, "Narrow the list by `created_from`"),
        (EngineUnavailableError("arn:aws:states"), 503, "could not be started now"),
        (ValueError("arn:aws:states"), 500, "Say the id"),
    ],
)
def test_errors_are_told_in_status_and_message_and_nothing_else(error: Exception, status: int, says: str) -> None:
    app = APIGatewayHttpResolver()
    app.current_event = APIGatewayProxyEventV2({"requestContext": {"requestId": "abc"}})
    response = print_error(error, app)
    body = json.loads(response.body or "")
    assert body.keys() == {"status", "message"}
    assert (response.status_code, body["status"]) == (status, status)
    assert says in body["message"]
    assert "arn:" not in body["message"]


def test_no_refusal_has_a_status_that_the_contract_does_not_list() -> None:
    listed = {400, 401, 403, 404, 405, 409, 429, 500, 503}
    assert {answer.status.value for answer in ANSWERS.values()} <= listed
