"""What is answered of a task of an execution, and of one of its instances."""

from stepcall.domain.generation import TASK_WORDS, Generation
from workflows_api.answers import EXECUTION_ID_KEYS
from workflows_api.describe.answer_schemas import TEXT, TIMES, WORKFLOW_IDS, record, spelled, time
from workflows_api.describe.parts import EXECUTION_IDS, Json, ref

FELL_BACK: Json = {"const": True, "description": "What came of it is of what was tried in its place."}
ATTEMPTS: Json = {
    "type": "integer",
    "minimum": 1,
    "description": "How often it was tried; left out where it was not, as when it is skipped.",
}
DECISION: Json = {
    "awaiting": record(
        "What somebody has to decide, while nobody has.",
        {"message": TEXT},
        {
            "expires_at": time("Until when it may be decided."),
            "output_schema": {
                "type": "object",
                "description": "JSON Schema of the `data` that is asked for; any object where there is none.",
            },
        },
    ),
    "decided_by": {"type": "string", "description": "The name of the key that decided it."},
    "decided_at": time("When it was decided."),
}
INSTANCES: Json = {
    "type": "integer",
    "minimum": 0,
    "description": "For how many elements it is done; left out for a task without `for_each`, and until that is known.",
}


def task_run(generation: Generation) -> Json:
    key = TASK_WORDS[generation]["ref"]
    return record(
        "A task of the execution.",
        {key: TEXT, "status": ref("TaskStatus")},
        {
            "attempts": ATTEMPTS,
            "instances": INSTANCES,
            "used_fallback": FELL_BACK,
            **child_of_task(generation),
            **DECISION,
            **TIMES,
            "error": ref("ErrorResult"),
        },
    )


def child_of_task(generation: Generation) -> Json:
    told = "The execution that it has started, of a `Workflow.Execute`."
    return {
        EXECUTION_ID_KEYS[generation]: spelled(EXECUTION_IDS[generation].pattern, told),
        "workflow_id": WORKFLOW_IDS["workflow_id"] | {"description": "Of which workflow that execution is."},
    }
