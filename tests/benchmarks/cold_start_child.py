"""One cold start, in this fresh process: `python -m tests.benchmarks.cold_start_child SUBJECT DEPTH`, figures as JSON.

SUBJECT is a function's folder, or `reference`: `import boto3` and one DynamoDB client. DEPTH is how many frames deep it
happens: CPython takes the memory of frames in pieces, and what is called in a loop just past the end of one is slow, so
the depth alone moves an import by a tenth; Lambda's own depth is not known.
"""

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

FACES = ("workflows_api", "carto_api", "wave_api", "amperity_api")


def start_reference() -> Any:
    import boto3  # noqa: PLC0415 (importing is what is measured)

    return boto3.client("dynamodb")


def start_face(face: str) -> Any:
    import_module(f"{face}.app")
    wiring = import_module("stepcall.runtime.wiring")
    return wiring.face_dependencies(), wiring.authenticator()


def start_worker(function: str) -> Any:
    import_module(f"{function}.app")
    return import_module("stepcall.runtime.wiring").worker_dependencies()


def ready_for_tasks(function: str) -> Any:
    """What a worker loads at its first task: the libraries that do the work."""
    return getattr(import_module(f"{function}.app"), "implementations", dict)()


def start_of(subject: str) -> Callable[[], Any]:
    if subject == "reference":
        return start_reference
    return lambda: start_face(subject) if subject in FACES else start_worker(subject)


def measure(depth: int, step: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    if depth:
        return measure(depth - 1, step)
    cpu, wall = time.process_time(), time.perf_counter()
    made = step()  # kept, so that taking it down is not measured
    return {"cpu_ms": (time.process_time() - cpu) * 1000, "wall_ms": (time.perf_counter() - wall) * 1000}, made


def main(subject: str, depth: int) -> None:
    before = set(sys.modules)
    figures, _made = measure(depth, start_of(subject))
    packages = sorted({name.partition(".")[0] for name in set(sys.modules) - before})
    first_task, _ = measure(depth, lambda: ready_for_tasks(subject)) if subject.startswith("run_") else ({}, None)
    print(json.dumps(figures | {"packages": packages, "first_task": first_task}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
