"""From a call to its receivers: face, table, stream, publish_run_events, state machine, deliver_webhook, a real server.

The state machine is the template's own but for its waits, which UpdateStateMachine shortens.
"""

import json
import os
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from socket import SO_LINGER, SOL_SOCKET
from threading import Event
from typing import Any

import boto3
import pytest

from local.stack import LocalStack
from stepcall.domain.ids import read_delivery_id, read_run_id
from tests.functional.conftest import Api
from tests.functional.missed_runs import found
from tests.functional.web_server import Answer, WebServer, answer, redirect, send_endlessly, send_raw
from tests.functional.webhook_receiver import Receiver, deliveries_of
from tests.logged_lines import logged_lines
from tests.run_event_description import faults

IDENTITY = {"ref": "same", "type": "Data.Transform", "input": {"expression": "$", "data": "{{input.value}}"}}
DEFINITION: dict[str, Any] = {
    "name": "Told of",
    "input": [{"name": "value", "type": "string"}],
    "tasks": [IDENTITY],
    "output": [{"name": "value", "type": "string", "value": "{{refs.same.output.result}}"}],
}
FAILING = {**DEFINITION, "tasks": [{**IDENTITY, "input": {"expression": "$error('no')", "data": 1}}], "input": []}
BOTH = ["execution.started", "execution.completed"]
WAITS = [1, 1, 0]
SECRET = "what nobody but the caller is told"


@pytest.fixture(scope="module", autouse=True)
def quick_schedule(stack: LocalStack) -> Iterator[None]:
    machines, arn = boto3.client("stepfunctions"), stack.deployment.names["WebhookDelivery"]
    written = machines.describe_state_machine(stateMachineArn=arn)["definition"]
    quick = json.loads(written)
    quick["States"]["Schedule"]["Result"]["waits_seconds"] = WAITS
    machines.update_state_machine(stateMachineArn=arn, definition=json.dumps(quick))
    yield
    machines.update_state_machine(stateMachineArn=arn, definition=written)


def subscribe(api: Api, workflow_id: str, receiver: Receiver, **more: Any) -> Any:
    """The webhook, with its secret."""
    made = api("POST", f"/workflows/{workflow_id}/webhooks", {"url": receiver.url, **more})
    assert made.status == 201, made.text
    return made.json


def redeliver(api: Api, execution: Any, delivery: Any) -> Any:
    of_run = f"/workflows/{execution['workflow_id']}/executions/{execution['execution_id']}"
    return api("POST", f"{of_run}/deliveries/{delivery['delivery_id']}/redeliver")


def reset(handler: Any) -> None:
    """Hang up so that the other side's kernel says so."""
    handler.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    os.close(handler.connection.detach())


def statuses_of(delivery: Any) -> list[int | None]:
    return [attempt["status_code"] for attempt in delivery["attempts"]]


def execute(api: Api, workflow_id: str, **more: Any) -> Any:
    path = f"/workflows/{workflow_id}/execute"
    started = api("POST", path, {"input": {"value": SECRET}, **more}, headers={"prefer": "wait=25"})
    assert started.status == 200, started.text
    return started.json


@dataclass(frozen=True)
class Scene:
    """A run whose `webhook_url` answers in some way of its own."""

    receiver: Receiver
    execution: Any

    def delivery(self, api: Api) -> Any:
        """Once it has ended."""
        [told] = deliveries_of(api, self.execution, 1)
        return told


@pytest.fixture(scope="module")
def scenes(stack: LocalStack, receiver: WebServer) -> Mapping[str, Scene]:
    """All at once: what they wait for takes seconds."""
    api = Api(stack.url)
    workflow_id = api.define(**DEFINITION)
    elsewhere = receiver.serve("/latest/meta-data/", answer(200))
    behaviours: dict[str, list[Answer]] = {
        "fails once": [answer(500, b"no"), answer(204)],
        "redirects": [redirect(elsewhere, 307)],
        "asks for patience": [answer(429, retry_after="3"), answer(204)],
        "resets": [reset, answer(204)],
        "streams for ever": [send_endlessly(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536)],
        "sends 10 MB of headers": [send_raw(b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 10_000_000)],
        "answers 2 MB": [answer(200, b"x" * 2_000_000)],
    }
    receivers = {name: Receiver(receiver, *answers) for name, answers in behaviours.items()}
    return {name: Scene(each, execute(api, workflow_id, webhook_url=each.url)) for name, each in receivers.items()}


def test_a_run_is_told_to_its_subscription_and_to_its_own_url_and_the_standards_library_verifies_both(
    api: Api, receiver: WebServer
) -> None:
    subscribed, called = Receiver(receiver), Receiver(receiver, query="?key=hidden")
    workflow_id = api.define(**DEFINITION)
    webhook = subscribe(api, workflow_id, subscribed)
    execution = execute(api, workflow_id, webhook_url=called.url)
    told = deliveries_of(api, execution, 3)
    assert [(each["status"], each["sequence"], each["event"]) for each in told] == [
        ("DELIVERED", 1, "execution.started"),
        ("DELIVERED", 2, "execution.completed"),
        ("DELIVERED", 2, "execution.completed"),
    ]
    shown = {webhook["webhook_id"]: subscribed.url, None: called.url.removesuffix("?key=hidden")}
    assert {each["webhook_id"]: each["url"] for each in told} == shown
    bodies = subscribed.verified(webhook["secret"])
    assert [body["type"] for body in bodies] == BOTH
    assert [faults(body["data"] | {"tenant": "local"}) for body in bodies] == [[], []]
    assert all("tenant" not in body["data"] for body in bodies)
    ended_at = datetime.fromisoformat(execution["completed_at"])
    assert datetime.fromisoformat(bodies[1]["timestamp"]) == ended_at
    assert [body["type"] for body in called.verified(execution["webhook_secret"])] == BOTH[1:]
    assert SECRET.encode() not in b"".join(request.body for request in (*subscribed.received, *called.received))
    assert [statuses_of(each) for each in told] == [[204]] * 3


def test_a_receiver_that_fails_once_gets_the_same_message_again_signed_anew(
    api: Api, scenes: Mapping[str, Scene]
) -> None:
    scene = scenes["fails once"]
    told = scene.delivery(api)
    assert (told["status"], statuses_of(told)) == ("DELIVERED", [500, 204])
    assert told["attempts"][0]["error"] == "The receiver answered 500."
    assert scene.receiver.ids == [told["event_id"]] * 2
    assert len(scene.receiver.verified(scene.execution["webhook_secret"])) == 2
    first, second = scene.receiver.received
    assert first.body == second.body
    assert int(second.headers["webhook-timestamp"]) > int(first.headers["webhook-timestamp"])


def test_what_is_redirected_is_not_followed_and_given_up_after_the_last_attempt_and_can_be_sent_again(
    stack: LocalStack, api: Api, receiver: WebServer, scenes: Mapping[str, Scene]
) -> None:
    scene = scenes["redirects"]
    told = scene.delivery(api)
    assert (told["status"], statuses_of(told)) == ("FAILED", [307] * len(WAITS))
    assert "next_attempt_at" not in told
    assert not [request for request in receiver.received if request.path == "/latest/meta-data/"]
    [message] = exhausted_of(stack, told["delivery_id"])
    assert message == {
        "tenant": "local",
        "workflow_id": scene.execution["workflow_id"],
        "execution_id": scene.execution["execution_id"],
        "delivery_id": told["delivery_id"],
        "round": 1,
    }
    scene.receiver.answers_from_now_on(answer(200))
    again = redeliver(api, scene.execution, told)
    assert (again.status, again.json["status"]) == (202, "PENDING")
    told = scene.delivery(api)
    assert (told["status"], statuses_of(told)) == ("DELIVERED", [*[307] * len(WAITS), 200])
    assert len(set(scene.receiver.ids)) == 1


def exhausted_of(stack: LocalStack, delivery_id: str) -> list[Any]:
    """What lies in the dead-letter queue of a delivery."""
    queue = boto3.resource("sqs").Queue(stack.deployment.names["ExhaustedDeliveries"])
    messages = queue.receive_messages(MaxNumberOfMessages=10, VisibilityTimeout=0)
    bodies = [json.loads(message.body) for message in messages]
    return [body for body in bodies if body["delivery_id"] == delivery_id]


def test_a_receiver_that_asks_for_patience_is_given_it(api: Api, scenes: Mapping[str, Scene]) -> None:
    told = scenes["asks for patience"].delivery(api)
    assert (told["status"], statuses_of(told)) == ("DELIVERED", [429, 204])
    first, second = (datetime.fromisoformat(attempt["at"]) for attempt in told["attempts"])
    assert (second - first).total_seconds() >= 3  # the schedule says 1


def test_a_connection_that_is_reset_is_an_attempt_that_failed(api: Api, scenes: Mapping[str, Scene]) -> None:
    told = scenes["resets"].delivery(api)
    assert (told["status"], statuses_of(told)) == ("DELIVERED", [None, 204])
    assert "127.0.0.1" in told["url"]
    assert "connection" in told["attempts"][0]["error"]


@pytest.mark.parametrize("name", ["streams for ever", "answers 2 MB"])
def test_a_success_is_one_however_long_its_body_is(api: Api, scenes: Mapping[str, Scene], name: str) -> None:
    told = scenes[name].delivery(api)
    assert (told["status"], statuses_of(told)) == ("DELIVERED", [200])
    assert told["attempts"][0]["duration_ms"] < 5_000


def test_headers_without_an_end_are_no_answer(api: Api, scenes: Mapping[str, Scene]) -> None:
    told = scenes["sends 10 MB of headers"].delivery(api)
    assert (told["status"], statuses_of(told)) == ("FAILED", [None] * len(WAITS))


def test_a_receiver_that_is_gone_is_told_nothing_more(api: Api, receiver: WebServer) -> None:
    gone, workflow_id = Receiver(receiver, answer(410)), api.define(**DEFINITION)
    webhook = subscribe(api, workflow_id, gone)
    execution = execute(api, workflow_id)
    started, completed = deliveries_of(api, execution, 2)
    assert (started["status"], statuses_of(started)) == ("FAILED", [410])
    assert (completed["status"], statuses_of(completed)) == ("FAILED", [None])
    assert "disabled" in completed["attempts"][0]["error"]
    assert len(gone.received) == 1
    shown = api("GET", f"/workflows/{workflow_id}/webhooks/{webhook['webhook_id']}").json
    assert (shown["enabled"], "410" in shown["stopped_reason"]) == (False, True)
    refused = redeliver(api, execution, completed)
    assert (refused.status, refused.json["type"]) == (409, "urn:stepcall:problem:webhook-disabled")
    api("DELETE", f"/workflows/{workflow_id}/webhooks/{webhook['webhook_id']}")
    assert redeliver(api, execution, completed).json["type"] == "urn:stepcall:problem:webhook-not-found"
    api("DELETE", f"/workflows/{workflow_id}")
    assert redeliver(api, execution, completed).json["type"] == "urn:stepcall:problem:workflow-not-found"
    assert len(gone.received) == 1


def test_later_events_of_a_run_wait_for_earlier_ones(api: Api, receiver: WebServer) -> None:
    slow, workflow_id = Receiver(receiver, answer(503), answer(200)), api.define(**DEFINITION)
    subscribe(api, workflow_id, slow, events=BOTH)
    execution = execute(api, workflow_id)
    deliveries_of(api, execution, 2)
    assert slow.types == ["execution.started", "execution.started", "execution.completed"]


def test_what_is_under_way_is_not_sent_again_and_of_others_nothing_is_told(api: Api, receiver: WebServer) -> None:
    held, held_up = Event(), Event()
    slow, workflow_id = Receiver(receiver, hold(held, held_up)), api.define(**DEFINITION)
    execution = execute(api, workflow_id, webhook_url=slow.url)
    assert held.wait(20)
    [told] = deliveries_of(api, execution, 1, "PENDING")
    assert redeliver(api, execution, told).json["type"] == "urn:stepcall:problem:delivery-pending"
    held_up.set()
    [told] = deliveries_of(api, execution, 1)
    missing = redeliver(api, execution, {"delivery_id": str(read_run_id(execution["execution_id"]))})
    assert missing.json["type"] == "urn:stepcall:problem:delivery-not-found"
    of_other = redeliver(api, {**execution, "workflow_id": api.define(**DEFINITION)}, told)
    assert of_other.json["type"] == "urn:stepcall:problem:execution-not-found"
    shared = api("POST", f"/workflows/{workflow_id}/executions/{execution['execution_id']}/token").json["token"]
    path = f"/workflows/{workflow_id}/executions/{execution['execution_id']}/deliveries"
    assert Api(api.url, shared)("GET", path).status == 403


def hold(held: Event, held_up: Event) -> Answer:
    """Answers 204 once `held_up` is set."""

    def respond(handler: Any) -> None:
        held.set()
        held_up.wait(10)
        answer(204)(handler)

    return respond


def test_a_receiver_that_was_mended_is_told_before_its_next_attempt(api: Api, receiver: WebServer) -> None:
    mended, workflow_id = Receiver(receiver, answer(503, retry_after="600"), answer(204)), api.define(**DEFINITION)
    subscribe(api, workflow_id, mended, events=BOTH)
    execution = execute(api, workflow_id)
    path = f"/workflows/{workflow_id}/executions/{execution['execution_id']}/deliveries"
    first, second = wait_until_tried(api, execution)
    assert (second["waits_for"], "waits_for" in first) == (first["delivery_id"], False)
    page = api("GET", f"{path}?limit=1").json
    assert page["deliveries"] == [first]
    assert api("GET", f"{path}?limit=1&next_token={page['next_token']}").json == {"deliveries": [second]}
    assert api("GET", f"{path}?next_token=call").status == 400
    assert first["delivery_id"] in redeliver(api, execution, second).json["detail"]
    starter = Api(api.url, api("POST", "/api-keys", {"name": "starter", "scopes": ["runs:start"]}).json["api_key"])
    again = redeliver(starter, execution, first)
    assert (again.status, again.json) == (202, {"delivery_id": first["delivery_id"], "status": "PENDING"})
    told = deliveries_of(api, execution, 2)
    assert [(each["status"], statuses_of(each)) for each in told] == [("DELIVERED", [503, 204]), ("DELIVERED", [204])]
    assert mended.types == ["execution.started", "execution.started", "execution.completed"]
    assert mended.ids[0] == mended.ids[1]


def wait_until_tried(api: Api, execution: Any) -> Any:
    """Its two deliveries, once the first has had an attempt."""
    until = time.monotonic() + 20
    while True:
        told = deliveries_of(api, execution, 2, "PENDING")
        if told[0]["attempts"] or time.monotonic() > until:
            return told
        time.sleep(0.02)


def test_what_is_stopped_by_hand_is_given_up_and_those_behind_it_are_sent(
    stack: LocalStack, api: Api, receiver: WebServer
) -> None:
    slow, workflow_id = Receiver(receiver, answer(503, retry_after="600"), answer(204)), api.define(**DEFINITION)
    subscribe(api, workflow_id, slow, events=BOTH)
    with logged_lines() as lines:
        execution = execute(api, workflow_id)
        run = found(read_run_id(execution["execution_id"])).run
        given_up_after = time.monotonic() + 20
        while "webhook_attempted" not in {line["message"] for line in lines}:
            assert time.monotonic() < given_up_after
            time.sleep(0.02)
        stop_attempts_at(stack, deliveries_of(api, execution, 2, "PENDING")[0]["delivery_id"])
        started, completed = deliveries_of(api, execution, 2)
    assert (started["status"], statuses_of(started)) == ("FAILED", [503])
    assert (completed["status"], statuses_of(completed)) == ("DELIVERED", [204])
    told = [line for line in lines if str(run.run_id) in json.dumps(line)]
    assert {"webhook_accepted", "webhook_attempted", "webhook_exhausted"} <= {line["message"] for line in told}
    for line in told:
        assert (line["run_id"], line["tenant"], line["correlation_id"]) == (
            str(run.run_id),
            run.tenant,
            run.correlation_id,
        )


def stop_attempts_at(stack: LocalStack, delivery_id: str) -> None:
    """As an operator does it in Step Functions' console."""
    machine = stack.deployment.names["WebhookDelivery"].replace(":stateMachine:", ":execution:")
    boto3.client("stepfunctions").stop_execution(executionArn=f"{machine}:{read_delivery_id(delivery_id)}")


def test_a_run_that_fails_is_told_of_with_its_error_to_who_asks_for_failures(api: Api, receiver: WebServer) -> None:
    asked, workflow_id = Receiver(receiver), api.define(**FAILING)
    webhook = subscribe(api, workflow_id, asked, events=["execution.failed"])
    execution = api.run(workflow_id)
    [told] = deliveries_of(api, execution, 1)
    [body] = asked.verified(webhook["secret"])
    assert (told["status"], body["type"]) == ("DELIVERED", "execution.failed")
    assert body["data"]["error"] == execution["error"]


def test_while_a_secret_is_rotated_both_verify(api: Api, receiver: WebServer) -> None:
    rotated, workflow_id = Receiver(receiver), api.define(**DEFINITION)
    old = subscribe(api, workflow_id, rotated, events=BOTH[1:])
    path = f"/workflows/{workflow_id}/webhooks/{old['webhook_id']}/rotate"
    new = api("POST", path, {"previous_valid_hours": 1}).json
    deliveries_of(api, execute(api, workflow_id), 1)
    assert new["secret"] != old["secret"]
    assert rotated.verified(old["secret"]) == rotated.verified(new["secret"])
    assert len(rotated.received) == 1
