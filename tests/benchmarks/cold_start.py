"""Cold starts of every function beside `import boto3` and one DynamoDB client."""

from importlib.metadata import packages_distributions
from typing import Any

from tests.benchmarks.figures import Figure, Reach, median
from tests.benchmarks.lambda_python import BOTO3, LambdaPython
from tests.benchmarks.machine import ROOT
from tools.lambda_build.build_artifact import LAYER_FOLDER, read_pins

FACES = ("workflows_api", "carto_api", "wave_api", "amperity_api")
FUNCTIONS = (
    *FACES,
    *("run_web_task", "run_ai_task", "run_data_task", "run_sql_task", "run_lambda_task", "run_workflow_task"),
    "finish_run",
    *("deliver_webhook", "start_triggered_run"),
)
REFERENCE = "reference"
DEPTHS = range(0, 65, 5)
FACE_REACH = Reach(1.5, of_ratio=True)


def measure_cold_starts(python: LambdaPython) -> tuple[list[Figure], dict[str, Any]]:
    subjects = (REFERENCE, *FUNCTIONS)
    for subject in subjects:
        _start(python, subject, 0)  # brings the files into memory, and writes .pyc where the sources have none
    starts: dict[str, list[Any]] = {subject: [] for subject in subjects}
    for depth in DEPTHS:
        for subject in subjects:
            starts[subject].append(_start(python, subject, depth))
    common = set(starts[REFERENCE][0]["packages"])
    heavy = {face: heavy_packages(set(starts[face][0]["packages"]) - common) for face in FACES}
    reference = _median(starts[REFERENCE], "cpu_ms")
    rows = [
        Figure(
            f"cold start: {name}",
            _median(starts[name], "cpu_ms"),
            "ms",
            reference,
            FACE_REACH if name in FACES else None,
        )
        for name in FUNCTIONS
    ]
    rows += [Figure(f"heavy libraries imported by {face}", len(heavy[face]), "", reach=Reach(0)) for face in FACES]
    return rows, {"python": python.description, "heavy_imported_by_faces": heavy, **_facts(starts)}


def heavy_packages(imported: set[str]) -> list[str]:
    """Those of libraries that only workers ship."""
    shared = read_pins(LAYER_FOLDER / "requirements.txt").keys() | set(BOTO3)
    pins = (read_pins(path) for path in (ROOT / "functions").glob("*/requirements.txt"))
    heavy = {name for names in pins for name in names} - shared
    distributions = packages_distributions()
    return [name for name in sorted(imported) if heavy & {_normal(of) for of in distributions.get(name, [])}]


def _start(python: LambdaPython, subject: str, depth: int) -> Any:
    return python.run("cold_start_child", FACES[0] if subject == REFERENCE else subject, subject, str(depth))


def _normal(distribution: str) -> str:
    return distribution.lower().replace("_", "-").replace(".", "-")


def _median(starts: list[Any], name: str) -> float:
    return median([start[name] for start in starts])


def _facts(starts: dict[str, list[Any]]) -> dict[str, Any]:
    return {
        subject: {
            "cpu_ms": [start["cpu_ms"] for start in taken],
            "wall_ms_median": _median(taken, "wall_ms"),
            "ready_for_its_first_task_ms": median([s["cpu_ms"] + s["first_task"].get("cpu_ms", 0.0) for s in taken]),
        }
        for subject, taken in starts.items()
    }
