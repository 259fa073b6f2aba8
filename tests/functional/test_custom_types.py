"""Task types of a tenant's own: put, checked, run by real functions, kept by versions, and nobody else's."""

from typing import Any

import pytest

from local.stack import LocalStack
from stepcall.runtime.client_wiring import dynamodb
from tests.functional.conftest import OWN_FUNCTIONS, Api, put_key
from tests.functional.test_graph_order import statuses
from tests.sample_workflows import Document, declare, give

ARNS = {function.name: function.arn for function in OWN_FUNCTIONS}
ANY = {"type": "object"}
PRICE = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 9}, "count": {"type": "integer", "minimum": 1}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.fixture
def own(stack: LocalStack, request: pytest.FixtureRequest) -> Api:
    """A tenant of the test's own."""
    name = request.node.name
    return Api(stack.url, put_key(stack, f"sc_{name}", tenant=f"types-{abs(hash(name)) % 10**9}"))


def put(api: Api, name: str = "Acme.Echo", function: str = "echo", **more: Any) -> Any:
    said = {"function_arn": function, "input_schema": ANY, "output_schema": ANY} | more
    answer = api("PUT", f"/task-types/{name}", said)
    assert answer.status in {200, 201}, answer.text
    return answer


def task(ref: str, kind: str = "Acme.Echo", **given: Any) -> Document:
    return {"ref": ref, "type": kind, "input": given}


def problems(api: Api, *tasks: Document, **more: Any) -> list[tuple[str, str]]:
    refused = api("POST", "/workflows", {"name": "x", "tasks": [*tasks], **more})
    assert refused.status == 400, refused.text
    return [(problem["location"], problem["code"]) for problem in refused.json["errors"]]


def test_a_type_is_made_shown_listed_replaced_and_deleted(own: Api) -> None:
    made = put(own, description="Says it again.", input_schema=PRICE)
    shown = own("GET", "/task-types/Acme.Echo")
    assert (made.status, shown.json) == (201, made.json)
    told = {name: made.json[name] for name in ("name", "summary", "input", "output")}
    assert told == {"name": "Acme.Echo", "summary": "Says it again.", "input": PRICE, "output": ANY}
    again = put(own, function=ARNS["fail"])
    assert (again.status, again.json["created_at"]) == (200, made.json["created_at"])
    listed = own("GET", "/task-types").json["task_types"]
    assert [each["name"] for each in listed][-1] == "Acme.Echo"
    assert "Web.Download" in {each["name"] for each in listed}
    assert own("DELETE", "/task-types/Acme.Echo").status == 204
    for method in ("GET", "DELETE"):
        assert own(method, "/task-types/Acme.Echo").json["type"].endswith("task-type-not-found")


def test_what_get_answers_of_a_type_is_what_put_takes(own: Api) -> None:
    put(own, function=ARNS["echo"], description="Says it again.", input_schema=PRICE)
    read = own("GET", "/task-types/Acme.Echo").json
    assert own("GET", "/task-types").json["task_types"][-1] == read
    assert {name: read[name] for name in ("function_arn", "description", "input_schema", "output_schema")} == {
        "function_arn": "echo",
        "description": "Says it again.",
        "input_schema": PRICE,
        "output_schema": ANY,
    }
    changed = own("PUT", "/task-types/Acme.Echo", read | {"output_schema": PRICE})
    assert changed.status == 200, changed.text
    assert changed.json == read | {
        "output_schema": PRICE,
        "output": PRICE,
        "updated_at": changed.json["updated_at"],
    }
    assert own.run(own.define(tasks=[task("ask", city="Brno")]))["status"] == "COMPLETED"
    misspelt = own("PUT", "/task-types/Acme.Echo", read | {"outputs": PRICE})
    assert [(problem["location"], problem["code"]) for problem in misspelt.json["errors"]] == [
        ("/outputs", "unknown_field")
    ]


def test_who_reads_a_type_is_not_told_region_and_account(own: Api) -> None:
    put(own, function=ARNS["echo"])
    for path in ("/task-types", "/task-types/Acme.Echo"):
        assert "arn:" not in own("GET", path).text


def test_a_built_in_type_is_shown_and_cannot_be_replaced_or_deleted(own: Api) -> None:
    assert own("GET", "/task-types/Web.Download").json["summary"] == "Downloads a web page."
    said = {"function_arn": "echo", "input_schema": ANY, "output_schema": ANY}
    for name in ("Web.Download", "Lambda.Mine", "SQL.Query", "Flow.Approval"):
        refused = own("PUT", f"/task-types/{name}", said)
        assert (refused.status, refused.json["errors"][0]["code"]) == (400, "reserved_name")
    assert own("DELETE", "/task-types/Web.Download").status == 404


def test_everything_that_is_wrong_with_a_type_is_told_at_once(own: Api) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "sting"}, "b": {"pattern": "(a+)+$"}}}
    said = {"function_arn": "ecko", "input_schema": schema, "output_schema": {"type": "array"}}
    refused = own("PUT", "/task-types/price", said)
    assert [(problem["location"], problem["code"]) for problem in refused.json["errors"]] == [
        ("/function_arn", "unknown_function"),
        ("/name", "invalid_name"),
        ("/input_schema/properties/a/type", "invalid_schema"),
        ("/input_schema/properties/b/pattern", "invalid_schema"),
        ("/output_schema", "invalid_schema"),
    ]
    assert "arn:" not in refused.text


def bomb() -> Document:
    """Sixteen definitions, each of ten of the next: 10^16 parts when written out."""
    definitions: dict[str, Any] = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(16)}
    for n in range(16):
        members = {f"m{m}": {"$ref": f"#/$defs/d{n + 1}"} for m in range(10)}
        definitions[f"d{n}"] = {"type": "object", "properties": members}
    definitions["d16"] = {"type": "string"}
    return {"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": definitions}


LOOP = {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/a"}}}


@pytest.mark.parametrize("listing", [{"const": {"city": "x"}}, {"enum": [{"city": "x"}]}], ids=["const", "enum"])
def test_a_task_is_given_fields_and_no_one_of_a_list(own: Api, listing: Document) -> None:
    said = {"function_arn": "echo", "input_schema": PRICE | listing, "output_schema": PRICE | listing}
    refused = own("PUT", "/task-types/Acme.Listed", said)
    assert [(problem["location"], problem["code"]) for problem in refused.json["errors"]] == [
        ("/input_schema", "invalid_schema")
    ]
    assert "`properties`" in refused.json["errors"][0]["message"]
    put(own, output_schema=listing | ANY)
    failed = own.run(own.define(tasks=[task("ask", city="y")]))
    assert "the `output_schema` of Acme.Echo. This must be one of" in failed["error"]["message"]


@pytest.mark.parametrize("schema", [bomb(), LOOP], ids=["a bomb", "a loop"])
def test_a_schema_that_would_never_end_is_refused(own: Api, schema: Document) -> None:
    said = {"function_arn": "echo", "input_schema": schema, "output_schema": ANY}
    refused = own("PUT", "/task-types/Acme.Bomb", said)
    assert (refused.status, refused.json["errors"][0]["code"]) == (400, "invalid_schema")


def test_a_schema_that_is_too_long_is_refused(own: Api) -> None:
    long = {"type": "object", "description": "x" * 33_000}
    refused = own("PUT", "/task-types/Acme.Long", {"function_arn": "echo", "input_schema": long, "output_schema": ANY})
    assert (refused.status, refused.json["errors"][0]["code"]) == (400, "too_large")


def test_a_task_of_it_is_checked_as_any_other(own: Api) -> None:
    output: Document = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}
    output["additionalProperties"] = False
    put(own, input_schema=PRICE, output_schema=output)
    tasks = [
        task("none"),
        task("typed", city=7, count=0),
        task("long", city="x" * 10, cont=1),
        task("fed", city="{{refs.none.output.total}}"),
        task("after", city="{{refs.none.output.price}}"),
        {"ref": "misspelt", "type": "Acme.Ecko"},
        {"ref": "instead", "type": "Acme.Echo", "input": {"city": "a"}, "fallback": {"type": "Acme.Echo", "input": {}}},
    ]
    assert problems(own, *tasks) == [
        ("/tasks/0/input/city", "missing"),
        ("/tasks/1/input/city", "wrong_type"),
        ("/tasks/1/input/count", "invalid_value"),
        ("/tasks/2/input/city", "invalid_value"),
        ("/tasks/2/input/cont", "unknown_field"),
        ("/tasks/3/input/city", "type_mismatch"),
        ("/tasks/4/input/city", "unknown_output_field"),
        ("/tasks/5/type", "unknown_task_type"),
        ("/tasks/6/fallback/input/city", "missing"),
    ]


def test_a_misspelt_output_is_refused_where_the_schema_is_closed_and_else_warned_of(own: Api) -> None:
    schema: Document = {"type": "object", "properties": {"fee": {"type": "number"}}}
    workflow = {"name": "x", "tasks": [task("ask", fee=7)], "output": [give("fee", "{{refs.ask.output.fe}}", "number")]}
    put(own, output_schema=schema)
    warned = own("POST", "/workflows/validate", workflow).json
    assert (warned["valid"], [each["code"] for each in warned["warnings"]]) == (True, ["undeclared_field"])
    assert own.run(own.define(**workflow))["error"]["message"].startswith("`{{refs.ask.output.fe}}` has no value")
    put(own, output_schema=schema | {"additionalProperties": False})
    refused = own("POST", "/workflows/validate", workflow).json["errors"]
    assert [(each["location"], each["code"]) for each in refused] == [("/output/0/value", "unknown_output_field")]


def test_the_answer_is_the_output_and_the_input_the_event(own: Api) -> None:
    put(own, input_schema=PRICE, output_schema=PRICE)
    tasks = [task("ask", city="{{input.city}}", count=2), task("again", city="{{refs.ask.output.city}}")]
    outputs = [give("city", "{{refs.again.output.city}}")]
    done = own.run(own.define(input=[declare("city", "string")], tasks=tasks, output=outputs), {"city": "Brno"})
    assert (done["status"], done["output"]) == ("COMPLETED", {"city": "Brno"})
    failed = own.run(own.define(input=[declare("city", "string")], tasks=tasks), {"city": "Lisbon, East"})
    assert (failed["error"]["reason"], failed["error"]["location"]) == ("invalid", "ask")
    assert "/city: This must be text of at most 9 characters." in failed["error"]["message"], failed["error"]


def test_an_answer_that_does_not_fit_fails_the_task_and_says_where(own: Api) -> None:
    put(own, output_schema={"type": "object", "properties": {"a": {"type": "object", "required": ["b"]}}})
    put(own, "Acme.Grow", "grow")
    done = own.run(own.define(tasks=[task("ask", a={"c": 1})]))
    assert (done["status"], done["error"]["reason"]) == ("FAILED", "invalid")
    assert done["error"]["message"] == (
        "The function's answer does not fit the `output_schema` of Acme.Echo. /a/b: `b` is missing."
    )
    done = own.run(own.define(tasks=[task("ask", "Acme.Grow", bytes=3)]))
    assert "This must be an object, not text." in done["error"]["message"]


def test_tasks_of_it_are_skipped_continued_retried_and_tried_in_anothers_place(own: Api) -> None:
    put(own)
    put(own, "Acme.Fail", "fail")
    never = {"left": 1, "operator": "==", "right": 2}
    tasks = [
        task("skipped") | {"condition": never},
        task("continued", "Acme.Fail", why="x") | {"on_error": "continue", "timeout_seconds": 9},
        {"ref": "page", "type": "Web.Download", "input": {"url": "http://127.0.0.1:9/"}, "retry": {"attempts": 1}}
        | {"fallback": {"type": "Acme.Echo", "input": {"said": "instead"}}},
        task("failing", "Acme.Fail", why="x") | {"fallback": {"ref": "other"}, "retry": {"attempts": 2}},
        task("other", said="other"),
    ]
    done = own.run(own.define(order="graph", tasks=tasks))
    assert statuses(done) == dict.fromkeys(("page", "failing", "other"), "COMPLETED") | {
        "skipped": "SKIPPED",
        "continued": "FAILED",
    }


def test_a_version_goes_on_as_it_was_whatever_becomes_of_the_type(own: Api) -> None:
    put(own)
    workflow = own.define(tasks=[task("ask", why="no")])
    before = own("GET", f"/workflows/{workflow}/definition").text
    put(own, function="fail", input_schema={"type": "object", "required": ["why"]})
    assert own.run(workflow)["status"] == "COMPLETED", "its version has the function of then"
    document = {"name": "test", "tasks": [task("ask", why="no")]}
    changed = own("PUT", f"/workflows/{workflow}", document)
    assert changed.json["workflow_version"] == 2, "the same words, and another type"
    assert own("PUT", f"/workflows/{workflow}", document).json["workflow_version"] == 2
    assert own.run(workflow)["error"]["message"] == "The function failed. LookupError: no"
    assert own("DELETE", "/task-types/Acme.Echo").status == 204
    assert own.run(workflow)["error"]["message"] == "The function failed. LookupError: no"
    assert own("GET", f"/workflows/{workflow}/definition?version=1").text == before
    assert problems(own, task("ask")) == [("/tasks/0/type", "unknown_task_type")]


def test_a_workflow_whose_types_are_gone_is_executed_by_another_all_the_same(own: Api) -> None:
    put(own)
    each = task("each", say="{{item}}") | {"for_each": [1, 2]}
    child = own.define(tasks=[each], output=[give("said", "{{refs.each.output[1].say}}", "integer")])
    assert own("DELETE", "/task-types/Acme.Echo").status == 204
    call = {"ref": "call", "type": "Workflow.Execute", "input": {"workflow_id": child}}
    done = own.run(own.define(tasks=[call], output=[give("said", "{{refs.call.output.output.said}}", "integer")]))
    assert done["output"] == {"said": 2}


def test_what_a_workflow_gives_to_another_is_as_its_own_versions_types_say(own: Api) -> None:
    fee: Document = {"type": "object", "properties": {"fee": {"type": "number"}}}
    put(own, output_schema=fee | {"required": ["fee"]})
    put(own, "Acme.Take", input_schema=fee | {"required": ["fee"]})
    child = own.define(tasks=[task("ask", fee=3)], output=[give("fee", "{{refs.ask.output.fee}}", "number")])
    put(own, output_schema=fee)
    call = {"ref": "call", "type": "Workflow.Execute", "input": {"workflow_id": child}}
    take = task("take", "Acme.Take", fee="{{refs.call.output.output.fee}}")
    done = own.run(own.define(tasks=[call, take], output=[give("fee", "{{refs.take.output.fee}}", "number")]))
    assert done["output"] == {"fee": 3}
    direct = task("take", "Acme.Take", fee="{{refs.ask.output.fee}}")
    assert problems(own, task("ask", fee=3), direct) == [("/tasks/1/input/fee", "may_be_null")]


def test_another_tenants_type_is_not_there(own: Api, api: Api) -> None:
    put(own, "Acme.Secret")
    assert problems(api, task("ask", "Acme.Secret")) == [("/tasks/0/type", "unknown_task_type")]
    assert "Acme.Secret" not in api("GET", "/task-types").text
    for method in ("GET", "DELETE"):
        assert api(method, "/task-types/Acme.Secret").status == 404
    assert own("GET", "/task-types/Acme.Secret").status == 200


def test_a_list_is_read_only_where_a_definition_names_what_is_not_built_in(own: Api, stack: LocalStack) -> None:
    queried: list[str] = []

    def note(params: dict[str, Any], **_facts: Any) -> None:
        values = params.get("ExpressionAttributeValues", {})
        queried.extend(value["S"] for value in values.values() if value.get("S", "").startswith("TASK_TYPES#"))

    events, event = dynamodb().meta.events, "provide-client-params.dynamodb.Query"
    put(own)
    events.register(event, note, unique_id="note")
    try:
        workflow = own.define(tasks=[{"ref": "a", "type": "Data.Transform", "input": {"expression": "1", "data": 1}}])
        assert own.run(workflow)["status"] == "COMPLETED"
        assert queried == []
        workflow = own.define(tasks=[task("ask"), task("again"), task("third") | {"fallback": {"type": "Acme.Echo"}}])
        assert len(queried) == 1
        assert own.run(workflow)["status"] == "COMPLETED"
        assert len(queried) == 1, "a run reads its version and no type"
    finally:
        events.unregister(event, unique_id="note")
