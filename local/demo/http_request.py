"""Http.Request: a shop that the demo plays itself is asked for its stock, and gets one order, by a secret of ours."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local.demo.exchanges import Api, follow
from local.stack import REQUEST_TOKEN, LocalStack

WORKFLOW = Path(__file__).parents[2] / "examples" / "http_request" / "workflow.json"
STOCK, WANTED = 3, 10


class Shop(BaseHTTPRequestHandler):
    """Tells its stock to anybody, and takes orders from who has the token; the same order once."""

    orders: dict[str, Any]

    def do_GET(self) -> None:
        self._answer(HTTPStatus.OK, {"item": self.path.rpartition("/")[2], "count": STOCK})

    def do_POST(self) -> None:
        wanted = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.headers["authorization"] != f"Bearer {REQUEST_TOKEN}":
            self._answer(HTTPStatus.UNAUTHORIZED, {"error": "This shop knows its customers by their tokens."})
            return
        order = self.orders.setdefault(self.headers["idempotency-key"], {"order": len(self.orders) + 1, **wanted})
        self._answer(HTTPStatus.CREATED, order)

    def _answer(self, status: HTTPStatus, body: Any) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """The exchange that matters is printed already."""


@contextmanager
def open_shop() -> Iterator[str]:
    """Its `host:port`."""
    handler = type("OpenShop", (Shop,), {"orders": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def run(_: str | None) -> bool:
    """Whether the shop has the order, and the workflow its number."""
    with open_shop() as host, LocalStack(port=0, allowed_hosts=(host,)) as stack:
        api = Api(stack.url)
        created = api.call("POST", "/workflows", json.loads(WORKFLOW.read_text()))
        asked = {"input": {"shop": f"http://{host}", "wanted": WANTED}}
        started = api.call("POST", f"/workflows/{created['workflow_id']}/execute", asked)
        path = f"/workflows/{created['workflow_id']}/executions/{started['execution_id']}"
        follow(api, path)
        output = api.call("GET", path).get("output")
    return bool(output == {"status": 201, "order": {"order": 1, "item": "teapots", "count": WANTED - STOCK}})
