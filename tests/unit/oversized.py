"""A definition whose machine is larger than Step Functions takes: where refs and the functions' ARNs are longest."""

from dataclasses import replace

from stepcall.asl.compiler import FINISH_RUN
from stepcall.domain.task_contract import Worker
from stepcall.tasks.catalog import CATALOG
from stepcall.use_cases.compile_version import MachineCompiler
from tests.sample_workflows import transform, workflow
from tests.unit.run_world import RunWorld

LONGEST_ARN = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:".ljust(140, "f")
TOO_LARGE = workflow(*[transform(f"{number:x}".rjust(64, "r")) for number in range(1000)])


def deployed_under_long_names() -> RunWorld:
    """Where `TOO_LARGE` is."""
    world = RunWorld()
    arns = dict.fromkeys((*Worker, FINISH_RUN), LONGEST_ARN)
    world.deps = replace(world.deps, compile=MachineCompiler(CATALOG, arns))
    return world
