"""The functions of a deployed stack, invoked and waited for."""

import json
from typing import Any, NamedTuple


class Done(NamedTuple):
    """What came of an invocation; with `failed` the answer describes an error."""

    answer: Any
    failed: bool


class Functions:
    """`names` are those of the stack: a message must not make an operator invoke anything else."""

    def __init__(self, lambda_: Any, names: frozenset[str]) -> None:
        self._lambda = lambda_
        self.names = names

    def invoke(self, name: str, payload: str) -> Done:
        answer = self._lambda.invoke(FunctionName=name, Payload=payload.encode())
        return Done(json.loads(answer["Payload"].read() or b"null"), "FunctionError" in answer)
