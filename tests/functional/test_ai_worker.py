"""The worker in the local stack, against the language model that is built into it."""

from typing import Any

from tests.functional.conftest import Api

TEXT = (
    "Honey bees do not hibernate. In the cold a colony of honey bees gathers into a cluster around its queen. "
    "The cluster lives on honey stored during the summer. Mites are the main reason why colonies of honey bees die. "
    "Treating colonies against mites in late summer saves most colonies of honey bees. Some people like tea."
)


def summary_of(text: str, **parameters: Any) -> dict[str, Any]:
    return {"ref": "s", "type": "OpenAI.Text.Summarize", "input": {"text": text, "parameters": parameters}}


def outputs(**types: str) -> list[dict[str, str]]:
    """Those of the task `s`."""
    return [{"name": name, "type": kind, "value": f"{{{{refs.s.output.{name}}}}}"} for name, kind in types.items()]


def test_a_run_summarises_a_text_by_its_own_sentences(api: Api) -> None:
    workflow_id = api.define(
        input=[{"name": "text", "type": "string"}],
        tasks=[summary_of("{{input.text}}", max_tokens=20)],
        output=outputs(summary="string", model="string", truncated="boolean", usage="object"),
    )
    execution = api.run(workflow_id, {"text": TEXT})
    assert execution["status"] == "COMPLETED", execution
    output = execution["output"]
    assert output["summary"]
    assert output["summary"] in TEXT
    assert (output["model"], output["truncated"]) == ("extractive", False)
    assert output["usage"]["completion_tokens"] <= 20


def test_a_text_beyond_the_window_is_summarised_from_its_beginning(api: Api) -> None:
    long_text = {"expression": "$pad('', 300000, 'It was a fine day. ')"}
    workflow_id = api.define(
        input=[],
        tasks=[
            {"ref": "text", "type": "Data.Transform", "input": long_text},
            summary_of("{{refs.text.output.result}}"),
        ],
        output=outputs(truncated="boolean"),
    )
    execution = api.run(workflow_id)
    assert execution["status"] == "COMPLETED", execution
    assert execution["output"] == {"truncated": True}


def test_a_reserved_parameter_fails_the_run_at_its_task(api: Api) -> None:
    workflow_id = api.define(input=[], tasks=[summary_of(TEXT, extra_headers={})], output=[])
    execution = api.run(workflow_id)
    assert execution["status"] == "FAILED"
    assert "`extra_headers`" in str(execution)
