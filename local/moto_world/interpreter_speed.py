"""The state machine interpreter parses a definition and a path once, makes a boto3 client once, and keeps its threads.

Parsing took 5 ms per three tasks, at CreateStateMachine and again at every StartExecution, and 1 ms for every JSONPath
of a task; a client for a task 50 ms. What is parsed holds no state of an execution: retry counts and the like live in
the execution's environment, under a key that a component used to make up at its first use, and two threads at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any

import boto3
from jsonpath_ng.ext.parser import parse as parse_path
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import boto_client, json_path

from local.moto_world.replacing import replaced
from local.workers import Job, Workers

DEFINITIONS_CACHED = 256
PATHS_CACHED = 1024


class KeptThread:
    """What the interpreter needs of threading.Thread for a task's attempt."""

    def __init__(self, workers: Workers, *, target: Job, daemon: bool) -> None:
        del daemon  # all of them are
        self._workers = workers
        self._target = target

    def start(self) -> None:
        self._workers.start(self._target)


@contextmanager
def fast_interpreter() -> Iterator[None]:
    parse = lru_cache(DEFINITIONS_CACHED)(AmazonStateLanguageParser.parse)
    clients: dict[tuple[str, str], Any] = {}
    make: Any = boto3.client
    workers = Workers()

    def client(*, service_name: str, region_name: str, **settings: Any) -> Any:
        key = (service_name, region_name)
        if key not in clients:
            clients[key] = make(service_name, region_name=region_name, **settings)
        return clients[key]

    with (
        replaced(EvalComponent, "heap_key", property(lambda component: str(id(component)))),
        replaced(AmazonStateLanguageParser, "parse", staticmethod(parse)),
        replaced(json_path, "parse", lru_cache(PATHS_CACHED)(parse_path)),
        replaced(execute_state, "Thread", partial(KeptThread, workers)),
        replaced(boto_client, "boto3", SimpleNamespace(client=client)),
    ):
        try:
            yield
        finally:
            workers.close()
