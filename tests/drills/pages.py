"""A web server whose pages are the work of tasks: it notes each time one was really asked for, and may hold it."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE_SECONDS = 30.0


class Pages:
    """Every path is a page, its text `text` of it; when it was asked for is `asked`, by the clock `now`."""

    def __init__(self, size: int, now: Callable[[], float]) -> None:
        self.address = ""
        self.asked: defaultdict[str, list[float]] = defaultdict(list)
        self._now = now
        self._size = size
        self._held: dict[str, threading.Event] = {}
        self.refused: set[str] = set()
        """Whose work is refused for good; it does not count as asked for."""
        self._change = threading.Condition()

    def text(self, path: str) -> str:
        return f"{path}{'.' * self._size}" if path.startswith("/page/") else path

    def hold(self, path: str) -> None:
        """Whoever asks waits until it is let go."""
        self._held[path] = threading.Event()

    def let_go(self, path: str) -> None:
        self._held[path].set()

    def wait_until_asked(self, path: str) -> bool:
        with self._change:
            return self._change.wait_for(lambda: bool(self.asked[path]), PATIENCE_SECONDS)

    def ask(self, path: str) -> bytes | None:
        """None when it is refused."""
        if path in self.refused:
            return None
        with self._change:
            self.asked[path].append(self._now())
            self._change.notify_all()
        if held := self._held.get(path):
            held.wait(PATIENCE_SECONDS)
        return self.text(path).encode()


@contextmanager
def served_pages(now: Callable[[], float], size: int = 20_000) -> Iterator[Pages]:
    """Pages below `/page/` are so many bytes long."""
    pages = Pages(size, now)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = pages.ask(self.path)
            body = text or b""
            self.send_response(403 if text is None else 200)
            self.send_header("content-type", "text/plain")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """What was asked for is counted."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    pages.address = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield pages
    finally:
        server.shutdown()
        server.server_close()
