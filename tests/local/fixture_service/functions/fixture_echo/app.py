"""Answers with the event it got, or does with AWS what the caller asks it for."""

import json
import os
import threading
import time
from typing import Any
from uuid import uuid4

import boto3
from botocore.config import Config

HOLDING: list[int] = []
RELEASED = threading.Event()
ENDED = frozenset({"SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"})


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    """What the path says; the event, when it says nothing."""
    query, path = event.get("queryStringParameters", {}), event["rawPath"]
    if path == "/context":
        return describe_context(context)
    if path in ASKED_BY_QUERY:
        return ASKED_BY_QUERY[path](query)
    return ASKED_BY_BODY[path](json.loads(event["body"])) if path in ASKED_BY_BODY else event


def raise_error(_query: dict[str, str]) -> None:
    raise RuntimeError("a secret that no caller may read")


def hold(_query: dict[str, str]) -> str:
    """Answers when `/release` is called, or not at all."""
    HOLDING.append(1)
    RELEASED.wait(20)
    return "released"


def count_holding(_query: dict[str, str]) -> int:
    return len(HOLDING)


def release(_query: dict[str, str]) -> None:
    RELEASED.set()


def tell_variables(_query: dict[str, str]) -> dict[str, str]:
    return dict(os.environ)


def answer(body: Any) -> Any:
    return body


def describe_context(context: Any) -> dict[str, Any]:
    return {
        "function_name": context.function_name,
        "invoked_function_arn": context.invoked_function_arn,
        "memory_limit_in_mb": context.memory_limit_in_mb,
        "remaining": context.get_remaining_time_in_millis(),
    }


def put_object_and_link(wanted: dict[str, str]) -> dict[str, str]:
    s3 = boto3.client("s3", config=Config(signature_version=wanted["version"]))
    place: dict[str, Any] = {"Bucket": os.environ["FILES_BUCKET"], "Key": wanted["key"]}
    s3.put_object(**place, Body=b"x" * int(wanted["bytes"]), ContentType="text/plain")
    return {"url": s3.generate_presigned_url("get_object", Params=place, ExpiresIn=int(wanted["seconds"]))}


def link_to_put(wanted: dict[str, str]) -> dict[str, str]:
    s3 = boto3.client("s3", config=Config(signature_version=wanted["version"]))
    place: dict[str, Any] = {"Bucket": os.environ["FILES_BUCKET"], "Key": wanted["key"]}
    return {
        "put": s3.generate_presigned_url("put_object", Params=place, ExpiresIn=int(wanted["seconds"])),
        "get": s3.generate_presigned_url("get_object", Params=place, ExpiresIn=int(wanted["seconds"])),
    }


def run_machine(definition: dict[str, Any]) -> dict[str, Any]:
    """Runs the definition, in which `WORK` stands for the worker's ARN, to its end."""
    states, arn = start_machine(definition)
    while (execution := states.describe_execution(executionArn=arn))["status"] not in ENDED:
        time.sleep(0.005)
    return describe_execution(states, execution)


def stop_machine(definition: dict[str, Any]) -> dict[str, Any]:
    states, arn = start_machine(definition)
    began = time.monotonic()
    states.stop_execution(executionArn=arn, error="Cancelled", cause="because")
    stopped = describe_execution(states, states.describe_execution(executionArn=arn))
    return stopped | {"seconds": time.monotonic() - began}


def start_machine(definition: dict[str, Any]) -> tuple[Any, str]:
    states, name = boto3.client("stepfunctions"), str(uuid4())
    text = json.dumps(definition).replace('"WORK"', json.dumps(os.environ["WORK_ARN"]))
    role = os.environ["MACHINE_ROLE_ARN"]
    machine = states.create_state_machine(name=f"stepcall-{name}", definition=text, roleArn=role)["stateMachineArn"]
    given: dict[str, Any] = (
        {"run": {}} if '"$.run"' in text else {}
    )  # compiled ones hand on what they were started with
    return states, states.start_execution(stateMachineArn=machine, name=name, input=json.dumps(given))["executionArn"]


def describe_execution(states: Any, execution: dict[str, Any]) -> dict[str, Any]:
    history = states.get_execution_history(executionArn=execution["executionArn"])["events"]
    told = {name: execution.get(name) for name in ("status", "error", "cause", "output")}
    return told | {"events": [event["type"] for event in history]}


ASKED_BY_QUERY = {
    "/raise": raise_error,
    "/hold": hold,
    "/holding": count_holding,
    "/release": release,
    "/variables": tell_variables,
    "/link": put_object_and_link,
    "/link-to-put": link_to_put,
}
ASKED_BY_BODY = {"/answer": answer, "/machine": run_machine, "/stop": stop_machine}
