"""The process that reads a page: HTML on standard input, `{text, title, language}` as JSON on standard output.

`web_extract_text` starts it with the seconds of CPU and the bytes of memory it may take. It opens no connection: an
attempt raises. Ends with 0, EXIT_MEMORY, EXIT_UNREADABLE, or by a signal.
"""

import json
import logging
import re
import resource
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import trafilatura
from lxml.etree import ErrorTypes, ParserError, XMLSyntaxError  # type: ignore[import-untyped]
from lxml.html import fromstring  # type: ignore[import-untyped]

from run_web_task.extractor_protocol import EXIT_MEMORY, EXIT_UNREADABLE

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*")


def main(arguments: Sequence[str]) -> int:
    cpu_seconds, memory_bytes = (int(argument) for argument in arguments)
    limit_process(cpu_seconds, memory_bytes)
    try:
        page = read_page(sys.stdin.buffer.read().decode("utf-8"))
        sys.stdout.buffer.write(json.dumps(page, ensure_ascii=False).encode("utf-8", "replace"))
    except MemoryError:
        return EXIT_MEMORY
    except Exception:
        traceback.print_exc()
        return EXIT_UNREADABLE
    return 0


def limit_process(cpu_seconds: int, memory_bytes: int) -> None:
    logging.disable()
    sys.addaudithook(refuse_network)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    if sys.platform == "linux":  # macOS refuses to set it
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def refuse_network(event: str, _arguments: tuple[Any, ...]) -> None:
    if event.startswith("socket."):
        raise PermissionError(f"reading a page needs no network, yet it called {event}")


def read_page(html: str) -> dict[str, str | None]:
    """`text` is None when the page has none, or is no HTML."""
    tree = trafilatura.load_html(html)
    if tree is None:
        _raise_if_out_of_memory(html)
        return {"text": None, "title": None, "language": None}
    return {
        "text": trafilatura.extract(tree, include_comments=False),
        "title": trafilatura.extract_metadata(tree, extensive=False).title or None,
        "language": _read_language(tree),
    }


def _raise_if_out_of_memory(html: str) -> None:
    """trafilatura says None for a page that is no HTML and for one that does not fit; the parser knows which it was."""
    try:
        fromstring(html)
    except XMLSyntaxError as exc:
        if exc.code == ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from exc
    except (ParserError, ValueError):
        return


def _read_language(tree: Any) -> str | None:
    """As <html lang> says it, when that looks like a language tag."""
    declared = (tree.get("lang") or tree.get("xml:lang") or "").strip()
    return declared if _LANGUAGE.fullmatch(declared) else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
