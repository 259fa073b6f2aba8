"""Who may import whom: design.md, "Layout". And that importing does nothing else."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYER = ROOT / "layers" / "stepcall"
FUNCTIONS = ROOT / "functions"
PACKAGE = "stepcall"

# What each part may import besides itself: inner parts never know outer ones.
PARTS: dict[str, set[str]] = {
    "domain": set(),
    "asl": {"domain"},
    "drawing": {"domain"},
    "tasks": {"domain"},
    "guarded_http": {"domain"},
    "stores": {"domain"},
    "sql": {"domain"},
    "use_cases": {"domain", "asl", "tasks", "stores", "sql"},
    "aws": {"domain", "asl", "stores", "use_cases"},
    "runtime": {"domain", "asl", "tasks", "stores", "use_cases", "aws", "guarded_http"},
    "version": set(),
}
# Besides the standard library.
LIBRARIES: dict[str, set[str]] = {
    "domain": {"pydantic", "pydantic_core"},
    "asl": set(),
    "drawing": set(),
    "tasks": {"pydantic"},
    "guarded_http": {"urllib3", "idna"},
    "stores": set(),
    "sql": {"sqlglot"},
    "use_cases": {"pydantic"},
    "aws": {"boto3", "botocore", "pydantic_core"},
    "runtime": {"pydantic", "aws_lambda_powertools", "jwt", "cryptography"},
    "version": set(),
}
AWS = {"boto3", "botocore", "s3transfer", "types_boto3_dynamodb", "types_boto3_s3", "types_boto3_stepfunctions"}
HEAVY = (
    *("trafilatura", "lxml", "openai", "httpx", "jsonata", "duckdb", "pyarrow", "numpy", "moto", "requests", "sumy"),
    *("jwt", "cryptography", "sqlglot"),
)
FACES = sorted(path.parent.name for path in FUNCTIONS.glob("*_api/app.py"))
MODULES = {path: path.relative_to(LAYER).with_suffix("").parts for path in sorted((LAYER / PACKAGE).rglob("*.py"))}
FUNCTION_MODULES = {
    path: path.relative_to(FUNCTIONS).with_suffix("").parts for path in sorted(FUNCTIONS.glob("*/**/*.py"))
}


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a file imports, also those that only the type checker sees."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module
            yield node.module


def own(imported: str) -> list[str]:
    """`stepcall.a.b` as its parts below the package; empty for what is not ours."""
    head, *rest = imported.split(".")
    return rest if head == PACKAGE else []


def foreign(imported: str) -> str | None:
    """The name of a library that is neither ours nor Python's."""
    head = imported.partition(".")[0]
    return None if head == PACKAGE or head in sys.stdlib_module_names else head


def may_use_aws(parts: tuple[str, ...]) -> bool:
    if parts[1] == "runtime":
        return parts[2].endswith("wiring")
    return parts[1] == "aws" or "/".join(parts[1:]).startswith("stores/dynamo_")


def test_every_part_of_the_layer_is_known_here() -> None:
    assert {parts[1] for parts in MODULES.values() if parts[1:] != ("__init__",)} == PARTS.keys() == LIBRARIES.keys()


@pytest.mark.parametrize(("path", "parts"), MODULES.items(), ids=[".".join(parts) for parts in MODULES.values()])
def test_a_module_of_the_layer_imports_inwards_only(path: Path, parts: tuple[str, ...]) -> None:
    if parts[1:] == ("__init__",):
        assert list(imports_of(path)) == []
        return
    allowed = PARTS[parts[1]] | {parts[1]}
    wrong = [name for name in imports_of(path) if (rest := own(name)) and rest[0] not in allowed]
    assert wrong == []


@pytest.mark.parametrize(("path", "parts"), MODULES.items(), ids=[".".join(parts) for parts in MODULES.values()])
def test_a_module_of_the_layer_uses_its_parts_libraries_only(path: Path, parts: tuple[str, ...]) -> None:
    if parts[1:] == ("__init__",):
        return
    allowed = LIBRARIES[parts[1]] | (AWS if may_use_aws(parts) else set())
    libraries = {name for imported in imports_of(path) if (name := foreign(imported))}
    assert {
        name for name in libraries - allowed if not (name.startswith("types_boto3") and may_use_aws(parts))
    } == set()


def test_use_cases_and_ports_know_ports_and_never_implementations() -> None:
    for path, parts in MODULES.items():
        knows_implementations = parts[1] == "runtime" or parts[1:] == ("stores", "cached_workflow_store")
        is_implementation = parts[1] == "stores" and parts[-1].startswith(("dynamo_", "memory_"))
        if knows_implementations or is_implementation:
            continue
        wrong = [
            name for name in imports_of(path) if name.startswith(("stepcall.stores.dynamo", "stepcall.stores.memory"))
        ]
        assert wrong == [], path


def test_a_store_in_memory_and_one_in_dynamodb_do_not_know_each_other() -> None:
    for path, parts in MODULES.items():
        if parts[1] == "stores" and parts[-1].startswith("memory_"):
            assert [name for name in imports_of(path) if "dynamo" in name] == [], path
        if parts[1] == "stores" and parts[-1].startswith("dynamo_"):
            assert [name for name in imports_of(path) if "memory" in name] == [], path


@pytest.mark.parametrize(
    ("path", "parts"), FUNCTION_MODULES.items(), ids=[".".join(parts) for parts in FUNCTION_MODULES.values()]
)
def test_a_function_imports_the_layer_and_itself_and_no_other_function(path: Path, parts: tuple[str, ...]) -> None:
    folders = {folder.name for folder in FUNCTIONS.iterdir() if folder.is_dir()}
    imported = {name.split(".")[0] for name in imports_of(path)}
    assert (imported & folders) <= {parts[0]}
    assert imported & {"boto3", "botocore", "local", "tests", "tools"} == set()


def run_apart(code: str, environment: dict[str, str] | None = None) -> str:
    """What a fresh process prints that has no environment but what is given here."""
    folders = os.pathsep.join(map(str, (LAYER, FUNCTIONS)))
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-c", code],
        env={"PYTHONPATH": folders, "PYTHONDONTWRITEBYTECODE": "1"} | (environment or {}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def names_of(*modules: dict[Path, tuple[str, ...]]) -> list[str]:
    names = [".".join(parts).removesuffix(".__init__") for group in modules for parts in group.values()]
    return [name for name in names if not name.endswith("__main__")]


WATCH = """
import importlib, socket, sys
import botocore.client, botocore.session
made = []
botocore.client.ClientCreator.create_client = lambda self, name, *more, **options: made.append(name)
socket.socket.connect = lambda self, *where: made.append(where)
for name in {names!r}:
    importlib.import_module(name)
print(made)
"""


def test_every_module_imports_without_environment_and_makes_no_client() -> None:
    assert run_apart(WATCH.format(names=names_of(MODULES, FUNCTION_MODULES))) == "[]"


def test_the_domain_and_the_compiler_need_no_aws_library() -> None:
    inner = {path: parts for path, parts in MODULES.items() if parts[1] in {"domain", "asl", "tasks", "use_cases"}}
    code = f"""
import importlib, sys
for name in {names_of(inner)!r}:
    importlib.import_module(name)
print([name for name in ("boto3", "botocore", "aws_lambda_powertools") if name in sys.modules])
"""
    assert run_apart(code) == "[]"


@pytest.mark.parametrize("function", [*FACES, "finish_run"])
def test_a_door_that_people_wait_at_loads_no_heavy_library(function: str) -> None:
    code = f"import sys, {function}.app; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert run_apart(code) == "[]"


def test_sql_is_loaded_by_the_first_definition_that_holds_some() -> None:
    code = """
import sys
from stepcall.domain.check import check_definition
from stepcall.domain.sql_check import SqlSetting
from stepcall.tasks.catalog import CATALOG
from stepcall.use_cases.check_workflow import LateQueryChecker

def check(kind, **given):
    document = {"name": "x", "connection": "any", "tasks": [{"ref": "a", "type": kind, "input": given}]}
    check_definition(document, CATALOG, lambda _: SqlSetting(LateQueryChecker()))
    print("sqlglot" in sys.modules, end=" ")

check("Data.Transform", expression="1", data=1)
check("Sql.Query", query="SELECT 1 AS a")
"""
    assert run_apart(code) == "False True"


@pytest.mark.parametrize("function", FACES)
def test_a_face_loads_what_is_seldom_asked_for_when_it_is(function: str) -> None:
    seldom = (
        *("stepcall.drawing.graph", "stepcall.asl.limits", "workflows_api.views"),
        *("stepcall.domain.webhook", "stepcall.guarded_http.targets", "workflows_api.webhook_answers"),
    )
    code = f"import sys, {function}.app; print([name for name in {seldom!r} if name in sys.modules])"
    assert run_apart(code) == "[]"


def test_there_is_a_face() -> None:
    assert "workflows_api" in FACES


def test_who_checks_where_webhooks_go_needs_nothing_of_what_calls_them() -> None:
    """The face has no libraries to call URLs with."""
    code = """
import sys
from stepcall.runtime import webhook_wiring
from workflows_api import webhook_requests
from stepcall.guarded_http.webhook_urls import find_fault
print(find_fault("https://b\u00fccher.example/", (), "/url").code, end=" ")
print([name for name in ("idna", "stepcall.guarded_http.exchange") if name in sys.modules])
"""
    assert run_apart(code) == "invalid_url []"
