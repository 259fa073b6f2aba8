"""`make compile WORKFLOW=file.json`: the compiled Amazon States Language on stdout, or the problems on stderr."""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from stepcall.asl.check import InvalidStateMachineError
from stepcall.asl.compiler import FINISH_RUN, compile_workflow
from stepcall.asl.graph import EmptyRunModeError
from stepcall.domain.check import check_definition
from stepcall.domain.connection import SqlEngine
from stepcall.domain.errors import InvalidDefinitionError, Problem
from stepcall.domain.json_text import MalformedJsonError, read_json
from stepcall.domain.run_mode import RunMode
from stepcall.domain.sql_check import SqlSetting
from stepcall.domain.task_contract import Worker
from stepcall.tasks.catalog import CATALOG
from stepcall.use_cases.check_workflow import LateQueryChecker

ATHENA_WORK_GROUP = "${AthenaWorkGroup}"


def placeholder_arns() -> dict[str, str]:
    """Where a deployment has ARNs, the names of the template's resources stand, as in a hand-written machine."""
    return {name: f"${{{name.title().replace('_', '')}Function.Arn}}" for name in (*Worker, FINISH_RUN)}


def any_connection(engine: SqlEngine = SqlEngine.DUCKDB) -> SqlSetting:
    """Any connection there may be: a table that is none of a task's `sources` may be a dataset of it."""
    return SqlSetting(LateQueryChecker(), engine)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workflow", type=Path, help="a workflow definition as JSON")
    parser.add_argument("--athena", action="store_true", help="as on a connection with the engine athena")
    parser.add_argument("--run-mode", choices=[*map(str, RunMode)], default="full", help="how much of it runs")
    options = parser.parse_args()
    path: Path = options.workflow
    try:
        engine = SqlEngine.ATHENA if options.athena else SqlEngine.DUCKDB
        checked = check_definition(read_json(path.read_bytes()), CATALOG, lambda _: any_connection(engine))
        work_group = ATHENA_WORK_GROUP if options.athena else None
        mode = RunMode(options.run_mode)
        compiled = compile_workflow(checked.definition, CATALOG, placeholder_arns(), work_group, mode=mode)
    except OSError as exc:
        return _refuse(path, str(exc.strerror))
    except (MalformedJsonError, InvalidStateMachineError, EmptyRunModeError) as exc:
        return _refuse(path, str(exc))
    except InvalidDefinitionError as exc:
        return _refuse(path, str(exc), exc.problems)
    _print_problems("warning: ", checked.warnings)
    print(json.dumps(json.loads(compiled.definition), indent=2))
    return 0


def _refuse(path: Path, message: str, problems: list[Problem] | None = None) -> int:
    print(f"{path}: {message}", file=sys.stderr)
    _print_problems("  ", problems or [])
    return 1


def _print_problems(prefix: str, problems: Iterable[Problem]) -> None:
    for problem in problems:
        place = problem.location or "(the whole document)"
        print(f"{prefix}{place} [{problem.code}] {problem.message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
