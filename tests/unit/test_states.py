"""States print themselves in the words of Amazon States Language."""

from stepcall.asl.states import Catcher, FailState, LambdaTaskState, Retrier, StateMachine

RETRIER = Retrier(("Busy", "Slow"), interval_seconds=2, max_attempts=3, backoff_rate=1.5)


def test_a_task_invokes_its_function_and_keeps_nothing_of_the_answer() -> None:
    state = LambdaTaskState(
        name="fetch",
        function_arn="arn:aws:lambda:eu-central-1:123456789012:function:web",
        payload={"run_id.$": "$.run_id", "ref": "fetch"},
        timeout_seconds=70,
        retry=(RETRIER,),
        catch=(Catcher(("States.ALL",), next="Fail run", result_path="$.error"),),
        next="parse",
    )
    assert state.to_asl() == {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": "arn:aws:lambda:eu-central-1:123456789012:function:web",
            "Payload": {"run_id.$": "$.run_id", "ref": "fetch"},
        },
        "ResultPath": None,
        "TimeoutSeconds": 70,
        "Retry": [
            {
                "ErrorEquals": ["Busy", "Slow"],
                "IntervalSeconds": 2,
                "MaxAttempts": 3,
                "BackoffRate": 1.5,
                "JitterStrategy": "FULL",
            }
        ],
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Fail run"}],
        "Next": "parse",
    }


def test_a_task_without_a_next_state_ends_the_machine() -> None:
    printed = LambdaTaskState("last", "arn", {}, 10, retry=(RETRIER,)).to_asl()
    assert printed["End"] is True
    assert printed.keys() & {"Next", "Catch"} == set()


def test_a_machine_starts_at_its_first_state_and_keeps_their_order() -> None:
    states = tuple(FailState(name, error="E", cause="C") for name in ("z", "a", "m"))
    printed = StateMachine("why", states).to_asl()
    assert (printed["Comment"], printed["StartAt"], list(printed["States"])) == ("why", "z", ["z", "a", "m"])
    assert printed["States"]["a"] == {"Type": "Fail", "Error": "E", "Cause": "C"}
