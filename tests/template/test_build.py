"""What is put into a Lambda's zip: built here for the smallest function, and as `make build` left it, if it has run."""

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.template.sam_template import ROOT, folder_of, functions_of, read_template, transform
from tools.lambda_build import build_artifact, finish_build

SCRIPTS = ROOT / "tools" / "lambda_build"
BUILT = ROOT / ".aws-sam" / "build"
HOST = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
UNCHECKED_HASH = b"\x01\x00\x00\x00"  # docs.python.org/3/reference/import.html#pyc-invalidation, PEP 552


def run(*command: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)  # noqa: S603


def find_python313() -> str | None:
    return run("sh", SCRIPTS / "find_python313.sh").stdout.strip() or None


PYTHON313 = find_python313()
needs_python313 = pytest.mark.skipif(PYTHON313 is None, reason="no Python 3.13 on this machine")


def make(target: str, artifacts: Path) -> subprocess.CompletedProcess[str]:
    """As `sam build` calls it."""
    return run("make", "--makefile", SCRIPTS / HOST / "Makefile", target, f"ARTIFACTS_DIR={artifacts}")


def pyc_of(source: Path) -> Path:
    return source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"


def sources_of(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    artifacts = tmp_path_factory.mktemp("artifacts")
    done = make("build-FinishRunFunction", artifacts)
    assert done.returncode == 0, done.stderr
    return artifacts


@needs_python313
def test_a_function_ships_its_own_folder_and_no_other(artifact: Path) -> None:
    assert [path.name for path in artifact.iterdir()] == ["finish_run"]
    shipped = {path.relative_to(artifact / "finish_run") for path in sources_of(artifact)}
    source = ROOT / "functions" / "finish_run"
    assert shipped == {path.relative_to(source) for path in sources_of(source)}


@needs_python313
def test_every_module_is_compiled_whatever_times_unzipping_gives_it(artifact: Path) -> None:
    assert sources_of(artifact)
    for source in sources_of(artifact):
        assert pyc_of(source).read_bytes()[4:8] == UNCHECKED_HASH


@needs_python313
def test_tracebacks_show_the_paths_of_lambda(artifact: Path) -> None:
    byte_code = pyc_of(artifact / "finish_run" / "app.py").read_bytes()
    assert b"/var/task/finish_run/app.py" in byte_code
    assert str(artifact).encode() not in byte_code


@needs_python313
def test_no_byte_code_of_another_python_is_shipped(artifact: Path) -> None:
    assert {path.name.split(".")[-2] for path in artifact.rglob("*.pyc")} == {"cpython-313"}


@needs_python313
def test_a_function_without_a_folder_is_not_built(tmp_path: Path) -> None:
    done = make("build-CarryCoalFunction", tmp_path)
    assert done.returncode != 0
    assert "CarryCoalFunction has no folder functions/carry_coal" in done.stderr


def test_without_python_3_13_the_build_says_so(tmp_path: Path) -> None:
    for tool in ("sh", "dirname"):
        (tmp_path / tool).symlink_to(f"/bin/{tool}" if Path(f"/bin/{tool}").exists() else f"/usr/bin/{tool}")
    env = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    # in a checkout of its own: this one's .venv may be a Python 3.13
    script = tmp_path / "tools" / "lambda_build" / "find_python313.sh"
    script.parent.mkdir(parents=True)
    shutil.copy(SCRIPTS / script.name, script)
    done = run("/bin/sh", script, env=env)
    assert (done.returncode, done.stdout) == (1, "")
    assert "needs Python 3.13, and none was found" in done.stderr


def test_a_package_the_layer_ships_is_not_shipped_again() -> None:
    layer = {"pydantic": "pydantic==2.13.5 --hash=sha256:a"}
    pins = {"openai": "openai==3.52.0 --hash=sha256:b", **layer}
    assert build_artifact.without_the_layers(pins, layer).keys() == {"openai"}


def test_a_function_that_wants_another_version_than_the_layer_is_not_built() -> None:
    with pytest.raises(build_artifact.BuildError, match="pydantic is pinned otherwise"):
        build_artifact.without_the_layers({"pydantic": "pydantic==2.0"}, {"pydantic": "pydantic==2.13.5"})


@pytest.mark.parametrize(("architecture", "machine"), [("arm64", "aarch64"), ("x86_64", "x86_64")])
def test_wheels_are_for_lambda_and_not_for_this_machine(architecture: str, machine: str) -> None:
    by_uv = build_artifact.uv_command("uv", architecture)
    assert f"--python-platform={machine}-manylinux_2_34" in by_uv
    by_pip = build_artifact.pip_command(architecture)
    assert {f"--platform=manylinux_2_34_{machine}", f"--platform=manylinux2014_{machine}"} <= set(by_pip)
    assert "--python-version=3.13" in by_uv
    assert "--python-version=3.13" in by_pip


def test_the_built_template_takes_no_other_architecture_than_it_was_built_for() -> None:
    template = "  Architecture:\n" + finish_build.EITHER + "  LogLevel:\n"
    only = finish_build.allow_only("x86_64", template)
    assert only == "  Architecture:\n    Default: x86_64\n    AllowedValues:\n    - x86_64\n  LogLevel:\n"
    with pytest.raises(SystemExit):
        finish_build.allow_only("x86_64", only)


# --- What `make build` left -------------------------------------------------------------------------------------------


def newest(*folders: Path) -> float:
    return max(
        path.stat().st_mtime for folder in folders for path in folder.rglob("*") if "__pycache__" not in str(path)
    )


def why_not_built() -> str | None:
    template = BUILT / "template.yaml"
    if not template.exists():
        return "nothing is built: run `make build`"
    code = max(newest(ROOT / "functions", ROOT / "layers", SCRIPTS), (ROOT / "template.yaml").stat().st_mtime)
    return "the build is older than the code: run `make build`" if template.stat().st_mtime < code else None


WHY_NOT_BUILT = why_not_built()
needs_build = pytest.mark.skipif(WHY_NOT_BUILT is not None, reason=str(WHY_NOT_BUILT))


def built_architecture() -> str:
    found = re.search(r"AllowedValues:\n    - (arm64|x86_64)\n", (BUILT / "template.yaml").read_text())
    assert found, "`sam build` has run, and `make build` has not"
    return found[1]


@needs_build
def test_every_module_of_the_build_is_compiled() -> None:
    folders = {path.name for path in BUILT.iterdir() if path.is_dir()}
    assert folders == functions_of(transform(read_template())).keys() | {build_artifact.LAYER_ID}
    sources = sources_of(BUILT)
    assert [source for source in sources if not pyc_of(source).exists()] == []


@needs_build
def test_every_extension_module_of_the_build_is_for_its_architecture() -> None:
    machine = build_artifact.MACHINES[built_architecture()]
    modules = [path.name for path in BUILT.rglob("*.so") if ".cpython-" in path.name]
    assert modules
    assert [name for name in modules if not name.endswith(f".cpython-313-{machine}-linux-gnu.so")] == []


@pytest.fixture(scope="module")
def runtime_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Lambda's python3.13 brings with it: boto3 and what that needs, all of it without extension modules."""
    folder = tmp_path_factory.mktemp("runtime")
    installed = next(Path(path) for path in sys.path if Path(path, "boto3").is_dir())
    for name in RUNTIME_PACKAGES:
        (folder / name).symlink_to(installed / name)
    return folder


@needs_python313
@needs_build
@pytest.mark.parametrize("logical_id", sorted(functions_of(transform(read_template()))))
def test_every_handler_is_found_in_its_artifact_and_layer_alone(logical_id: str, runtime_packages: Path) -> None:
    if built_architecture() != HOST:
        pytest.skip(f"the build is for {built_architecture()}, this machine is {HOST}")
    path = [BUILT / logical_id, BUILT / build_artifact.LAYER_ID / "python", runtime_packages]
    folder = folder_of(functions_of(transform(read_template()))[logical_id])
    code = f"import sys; sys.path[:0] = {[str(p) for p in path]}; from {folder}.app import lambda_handler"
    done = run(str(PYTHON313), "-I", "-B", "-W", "error", "-c", code, env={})
    assert done.returncode == 0, done.stderr
