"""What `make serve FUNCTION=…` takes, and what it refuses before the stack starts."""

from pathlib import Path

import pytest

from local.errors import OwnFunctionError
from local.own_functions import OwnFunction


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "fn.py"


@pytest.mark.parametrize(
    "text",
    [
        "def handle(event, context): ...",
        "async def handle(event, context): ...",
        "handle = lambda event, context: event",
        "handle: object = print",
        "from json import dumps as handle",
        "from json import *",
        "if True:\n    def handle(event, context): ...",
        "try:\n    import handle.inner\nexcept ImportError:\n    raise",
    ],
)
def test_a_handler_may_be_defined_assigned_or_imported(file: Path, text: str) -> None:
    file.write_text(text)
    assert OwnFunction.read(f"double={file}:handle") == ("double", file, "handle")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def handler(event, context): ...\ndef other(): ...", "has no `handle`; it has `handler`, `other`."),
        ("def outer():\n    def handle(): ...", "has no `handle`; it has `outer`."),
        ("class Outer:\n    def handle(self): ...", "has no `handle`, nor any function."),
        ("print(handle)", "has no `handle`, nor any function."),
        ("", "has no `handle`, nor any function."),
        ("def handle(:", "cannot be read as Python: invalid syntax"),
        ("\0", "cannot be read as Python: "),
    ],
)
def test_a_handler_that_is_not_there_is_refused_with_those_that_are(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(OwnFunctionError) as raised:
        OwnFunction.read(f"double={file}:handle")
    assert f"`{file}` {said}" in str(raised.value)


def test_the_file_is_not_run_to_find_out(file: Path) -> None:
    file.write_text("raise SystemExit(3)\ndef handle(event, context): ...")
    OwnFunction.read(f"double={file}:handle")
