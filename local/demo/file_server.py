"""The demos' own web server, which keeps who asks below `/slow` waiting for the same files."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

SLOW = "/slow"


class FileServer(NamedTuple):
    address: str
    """`host:port`."""
    asked: threading.Event
    """Set when somebody waits."""
    let_go: threading.Event
    """Ends the waiting."""
    answered: threading.Event
    """Set when one who waited has the file."""


@contextmanager
def served_files(folder: Path) -> Iterator[FileServer]:
    """The files of a folder while the context lasts."""
    asked, let_go, answered = (threading.Event() for _ in range(3))

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.startswith(SLOW):
                super().do_GET()
                return
            asked.set()
            let_go.wait()
            self.path = self.path.removeprefix(SLOW)
            super().do_GET()
            answered.set()

        def log_message(self, *_: Any) -> None:
            """The exchange that matters is printed already."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield FileServer(f"127.0.0.1:{server.server_port}", asked, let_go, answered)
    finally:
        let_go.set()
        server.shutdown()
        server.server_close()
