"""The route of the elements that a task is done for."""

from stepcall.domain.decision_errors import TaskNotFoundError
from stepcall.domain.errors import InstancesNotFoundError
from stepcall.domain.generation import Generation
from stepcall.runtime.http import InvalidRequestError
from workflows_api.describe.answer_schemas import TIMES, page_of, record
from workflows_api.describe.execution_routes import ANY_EXECUTION, NO_RUN, TAG
from workflows_api.describe.operations import LIST_DESCRIPTIONS, WORKFLOW, operation
from workflows_api.describe.parts import Json, answer, path_parameter, query_parameters, ref
from workflows_api.describe.task_schemas import ATTEMPTS, DECISION, child_of_task
from workflows_api.instances import InstancesQuery

CHILD: Json = {key: told for generation in Generation for key, told in child_of_task(generation).items()}
DESCRIPTIONS = LIST_DESCRIPTIONS | {
    "status": "Only elements of this status. Then a page may hold fewer than `limit`, or none, and still have a "
    "`next_token`: a page looks at 1,000 elements at most."
}
TASK = path_parameter("ref", "A task with `for_each`.", "[A-Za-z_][A-Za-z0-9_]{0,63}", "page")


def instance_paths(executions: str, parameter: Json) -> Json:
    """`executions`: the path of one; `parameter`: its id there."""
    return {
        f"{executions}/tasks/{{ref}}/instances": {
            "get": operation(
                "listInstances",
                "What became of each element that a task is done for",
                {"200": answer("In the order of the elements.", ref("InstancePage"))},
                [InvalidRequestError, *NO_RUN, TaskNotFoundError, InstancesNotFoundError],
                tag=TAG,
                parameters=[WORKFLOW, parameter, TASK, *query_parameters(InstancesQuery, DESCRIPTIONS)],
            )
        },
    }


INSTANCE_PATHS: Json = instance_paths("/workflows/{workflow_id}/executions/{execution_id}", ANY_EXECUTION)


def instance_schemas() -> Json:
    return {
        "InstancePage": page_of("instances", ref("Instance")),
        "Instance": record(
            "What became of one element.",
            {"index": {"type": "integer", "minimum": 0, "description": "Of the element."}, "status": ref("TaskStatus")},
            {"attempts": ATTEMPTS, **CHILD, **DECISION, **TIMES, "error": ref("ErrorResult")},
        ),
    }
