"""moto as the AWS of the local stack: corrected where it is not atomic, slow, or grows without bound.

Every module here reaches into moto 5.2.5 at points that tests/local/test_moto_contract.py holds down, and for Athena
test_athena_queries.py. Athena is left to moto unless a stack is deployed with it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from local.moto_world.atomic_calls import atomic_calls
from local.moto_world.executions import abort_running_executions, bounded_and_stoppable_executions
from local.moto_world.expression_speed import fast_expressions
from local.moto_world.interpreter_speed import fast_interpreter
from local.moto_world.lambda_invocations import invocations_go_to
from local.moto_world.request_speed import fast_requests
from local.moto_world.table_speed import fast_tables
from local.moto_world.task_tokens import task_tokens
from local.moto_world.template_machines import machines_of_templates
from local.moto_world.template_speed import fast_templates
from local.moto_world.untracked_models import untracked_models
from local.moto_world.wait_times import exact_waits

__all__ = ["abort_running_executions", "corrected_moto", "invocations_go_to"]


@contextmanager
def corrected_moto(rewrite_url: Callable[[str], str]) -> Iterator[None]:
    """`rewrite_url` turns the URL of an endpoint of our own into the one AWS would have."""
    with (
        untracked_models(),
        atomic_calls(),
        fast_tables(),
        fast_expressions(),
        fast_requests(rewrite_url),
        fast_interpreter(),
        fast_templates(),
        machines_of_templates(),
        bounded_and_stoppable_executions(),
        exact_waits(),
        task_tokens(),
    ):
        yield
