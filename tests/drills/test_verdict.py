"""What the verdict finds, and what the table says of it."""

from collections import Counter, defaultdict
from dataclasses import replace
from uuid import UUID, uuid5

import pytest

from local.lambda_runtime import Context
from stepcall.domain.run import RunStatus
from stepcall.domain.webhook_signature import sign, spell_secret
from tests.drills.aws_calls import Call, Harm, Point
from tests.drills.campaign import report
from tests.drills.drill import Drilled
from tests.drills.hooks import Came, Hook, read
from tests.drills.load import Load, Started
from tests.drills.processes import Processes
from tests.drills.run_changes import RunSeen
from tests.drills.stories import Receiver, Scenario, Story, completes
from tests.drills.verdict import Life, find_losses

RUN_ID = "01a1fd64-0a87-7afb-b908-fd2cd89523af"
STORY = Story("workflow", {RUN_ID}, output={"page": "all of it"}, pages={"page": "/page"})
TOLD = replace(STORY, receivers={"/all/1": Receiver("secret"), "/ends/1": Receiver("secret", ends_only=True)})
MOVES = [RunStatus.PENDING, RunStatus.RUNNING, RunStatus.COMPLETED]


def told(*statuses: str) -> dict[str, list[dict[str, dict[str, str]]]]:
    ids = {status: str(uuid5(UUID(RUN_ID), status)) for status in statuses}
    return {RUN_ID: [{"detail": {"event_id": event_id, "status": status}} for status, event_id in ids.items()]}


def seen(*statuses: RunStatus, completed: tuple[float, ...] = (2.0,)) -> dict[str, RunSeen]:
    return {RUN_ID: RunSeen("workflow", list(statuses), completed=defaultdict(list, page=list(completed)))}


HOOKS = tuple(
    Hook(event["detail"]["event_id"], sequence, "ex-1", f"{sequence}".encode())
    for sequence, event in enumerate(told("RUNNING", "COMPLETED")[RUN_ID], 1)
)
STARTED, ENDED = HOOKS
WHOLE = Life(
    seen(*MOVES),
    told("RUNNING", "COMPLETED"),
    STORY.output,
    worked={"page": (1.0,)},
    hooks={"/all/1": HOOKS, "/ends/1": [ENDED]},
)


def test_a_whole_life_has_lost_nothing() -> None:
    assert find_losses(STORY, WHOLE) == find_losses(TOLD, WHOLE) == []


@pytest.mark.parametrize(
    ("life", "loss"),
    [
        (replace(WHOLE, runs={}), "0 runs came of one call"),
        (replace(WHOLE, runs={**WHOLE.runs, "another": RunSeen()}), "2 runs came of one call"),
        (replace(WHOLE, runs=seen(*MOVES[:2]), events=told("RUNNING")), "it was ended 0 times: PENDING RUNNING"),
        (replace(WHOLE, runs=seen(*MOVES, MOVES[1])), "it was ended 1 times: PENDING RUNNING COMPLETED RUNNING"),
        (replace(WHOLE, output={"page": "half"}), "its output is not whole: {'page': 'half'}"),
        (replace(WHOLE, executions=2), "2 executions were started for it"),
        (replace(WHOLE, events=told("RUNNING")), "that it was COMPLETED was not told"),
        (replace(WHOLE, events=told("RUNNING", "COMPLETED", "FAILED")), "an event was told that never was: FAILED"),
        (replace(WHOLE, runs=seen(*MOVES, completed=(2.0, 3.0))), "`page` was completed 2 times"),
        (replace(WHOLE, worked={"page": (1.0, 1.5)}), "`page` worked 2 times"),
        (replace(WHOLE, worked={"page": (2.5,)}), "`page` worked again when its output was stored"),
        (replace(WHOLE, worked={"page": ()}), "`page` never worked"),
    ],
)
def test_what_is_lost_or_done_twice_is_said(life: Life, loss: str) -> None:
    assert find_losses(STORY, life) == [loss]


@pytest.mark.parametrize(
    ("hooks", "loss"),
    [
        ([ENDED], "that it was RUNNING was not told"),
        ([STARTED, ENDED._replace(is_taken=False)], "that it was COMPLETED was not told"),
        ([STARTED, ENDED, ENDED._replace(webhook_id="")], "a webhook does not verify"),
        ([STARTED, ENDED, ENDED._replace(webhook_id="another")], "a webhook tells what never was"),
        ([STARTED, ENDED, ENDED._replace(body=b"other")], "one webhook-id came with two bodies"),
        ([STARTED, ENDED, STARTED], "webhooks came out of their order"),
    ],
)
def test_what_is_wrong_with_webhooks_is_said(hooks: list[Hook], loss: str) -> None:
    assert find_losses(TOLD, replace(WHOLE, hooks={**WHOLE.hooks, "/all/1": hooks})) == [f"all: {loss}"]


def test_a_webhook_that_comes_again_is_no_loss_and_one_for_the_end_alone_is_not_told_of_the_start() -> None:
    again = replace(WHOLE, hooks={"/all/1": [STARTED, STARTED, ENDED, ENDED], "/ends/1": [ENDED]})
    assert find_losses(TOLD, again) == []
    told_of_start = replace(WHOLE, hooks={"/all/1": HOOKS, "/ends/1": HOOKS})
    assert find_losses(TOLD, told_of_start) == ["ends: a webhook tells what never was"]


def test_a_webhook_verifies_as_of_when_it_came_and_by_its_own_secret_alone() -> None:
    body, at = b'{"data": {"sequence": 1, "execution_id": "ex-1"}}', 4_000_000_000
    own, other = spell_secret(b"own"), spell_secret(b"other")
    signature = sign([b"own"], "id", at, body)
    headers = (("webhook-id", "id"), ("webhook-timestamp", str(at)), ("webhook-signature", signature))
    came = Came(headers, body, at + 299.0, is_taken=True)
    assert read(came, own) == Hook("id", 1, "ex-1", body)
    assert [read(one, secret).webhook_id for one, secret in ((came, other), (came._replace(at=at + 301), own))] == [
        "",
        "",
    ]


def test_an_end_that_is_not_the_one_that_was_owed_is_a_loss() -> None:
    failed = Life(seen(*MOVES[:2], RunStatus.FAILED), told("RUNNING", "FAILED"), worked={"page": (1.0,)})
    assert find_losses(STORY, failed) == ["it ended as FAILED, not as COMPLETED"]


def test_work_that_a_drill_has_cut_may_be_done_again_once() -> None:
    story = replace(STORY, may_repeat=True)
    assert find_losses(story, replace(WHOLE, worked={"page": (1.0, 1.5)})) == []
    assert find_losses(story, replace(WHOLE, worked={"page": (1.0, 1.2, 1.5)})) == ["`page` worked 3 times"]


def test_the_table_counts_points_by_function_and_operation() -> None:
    scenario, call = Scenario("completes", completes), Call("finish_run", "UpdateItem", 1)
    kept = [Drilled(scenario, Point(call, harm), STORY, []) for harm in Harm if harm is not Harm.DIES_AFTER]
    lost = Drilled(scenario, Point(call, Harm.DIES_AFTER), STORY, ["gone"])
    lines = list(report([*kept, lost, Drilled(scenario, None, STORY, [])]))
    assert " ".join(lines[1].split()) == "finish_run UpdateItem 1 1 of 1 0 of 1 1 of 1 1 of 1 1 of 1"
    assert lines[-2:] == ["1 disturbances, 1 survived", "5 crash points, 4 survived"]


def test_nothing_runs_in_a_process_that_has_died_not_even_its_finally() -> None:
    ran: list[str] = []
    processes = Processes(lambda: None)

    def handler(_event: object, _context: Context) -> None:
        try:
            assert processes.current
            processes.current.die()
        except BaseException:
            ran.append("except")
            raise
        finally:
            ran.append("finally")

    context = Context("dies", "arn:aws:lambda:us-east-1:123456789012:function:dies", "128", deadline=0.0)
    done = processes.run(handler, "{}", context)
    assert (done.failed, "signal: killed" in done.payload, "Runtime.ExitError" in done.payload) == (True, True, True)
    assert (ran, processes.alive) == ([], 0)


def test_a_load_says_what_was_lost_of_it() -> None:
    run = Started(RUN_ID, 0.01, 1)
    ids = [event["detail"]["event_id"] for event in told("RUNNING", "COMPLETED")[RUN_ID]]
    hooks = list(HOOKS)
    whole = Load([run], 1.0, Counter({RunStatus.COMPLETED: 1}), Counter(), Counter(ids), hooks, 1.0)
    assert whole.losses(1) == []
    assert whole.losses(2) == [
        "1 runs that were not accepted, or not with an id of their own",
        "1 runs that are not COMPLETED in the table",
    ]
    lost = whole._replace(events=Counter([ids[0], "another"]), statuses=Counter({RunStatus.COMPLETED: 2}))
    assert lost.losses(1) == [
        "1 runs too many in the table",
        "1 events that did not come",
        "1 events of nothing",
    ]
    assert whole._replace(hooks=[hooks[1], hooks[0]]).losses(1) == ["1 webhooks out of their order"]
    assert whole._replace(hooks=[hooks[0], hooks[1]._replace(webhook_id="")]).losses(1) == [
        "1 webhooks that did not come",
        "1 webhooks that do not verify",
    ]
