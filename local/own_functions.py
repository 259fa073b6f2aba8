"""Functions of a user's own in the local stack: a Python file's handler, which tasks may invoke by a name.

They run in this process as those of the stack do, and see what the process sees.
"""

import io
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID

from local.errors import OwnFunctionError
from local.lambda_runtime import Function
from local.template import REGION
from local.top_level_names import TopLevelNames

FORM = re.compile(r"([A-Za-z0-9_-]{1,64})=(.+\.py):([A-Za-z_]\w*)")
ROLE = "local-own-functions"
TIMEOUT_SECONDS = 900.0  # Lambda's longest
MEMORY_MB = 1024


class OwnFunction(NamedTuple):
    name: str
    file: Path
    handler: str

    @classmethod
    def read(cls, text: str) -> "OwnFunction":
        """From `NAME=path/to/file.py:HANDLER`. Raises OwnFunctionError."""
        found = FORM.fullmatch(text)
        if not found:
            raise OwnFunctionError(f"{text!r} names no function: write NAME=path/to/file.py:HANDLER.")
        file = Path(found[2])
        if not file.is_file():
            raise OwnFunctionError(f"There is no file {file} for the function {found[1]}.")
        _require_handler(file, found[3])
        return cls(found[1], file, found[3])

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{REGION}:{DEFAULT_ACCOUNT_ID}:function:{self.name}"

    def deployed(self) -> Function:
        return Function(self.name, self.name, self.arn, self.handler, TIMEOUT_SECONDS, MEMORY_MB, {}, self.file)


def _require_handler(file: Path, handler: str) -> None:
    """The file is read only: what it does runs when it is invoked first. Raises OwnFunctionError."""
    names = TopLevelNames.of(file)
    if not names.may_have(handler):
        there = ", ".join(f"`{name}`" for name in names.functions)
        raise OwnFunctionError(f"`{file}` has no `{handler}`{f'; it has {there}' if there else ', nor any function'}.")


@contextmanager
def own_functions(functions: Iterable[OwnFunction]) -> Iterator[None]:
    """They can be invoked inside, and import what lies beside them, as on Lambda; after all that was there before."""
    before, functions = list(sys.path), tuple(functions)
    _create(functions)
    sys.path.extend(str(function.file.parent.resolve()) for function in functions)
    try:
        yield
    finally:
        sys.path[:] = before


def _create(functions: tuple[OwnFunction, ...]) -> None:
    """So that moto's Lambda knows them; what it hands an invocation to runs the file."""
    if not functions:
        return
    role = boto3.client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    client = boto3.client("lambda", region_name=REGION)
    for function in functions:
        handler = f"{function.file.stem}.{function.handler}"
        client.create_function(
            FunctionName=function.name, Role=role, Handler=handler, Runtime="python3.13", Code={"ZipFile": _empty_zip()}
        )


def _empty_zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w"):
        pass
    return packed.getvalue()
