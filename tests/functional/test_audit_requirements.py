"""`make audit`'s reading of pip-audit, held against the real one where it is installed, asking a server of our own."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.audit_requirements import PIP_AUDIT, main

HASH = "0" * 64
FAULTY = "faulty"
needs_pip_audit = pytest.mark.skipif(not PIP_AUDIT.exists(), reason="`make audit` installs pip-audit")
pytestmark = needs_pip_audit


class Osv(BaseHTTPRequestHandler):
    """Answers as OSV does: one package has a vulnerability. Source: https://ossf.github.io/osv-schema/"""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))["package"]
        events = [{"introduced": "0"}, {"fixed": "1.0.1"}]
        affected = [{"package": asked, "ranges": [{"type": "ECOSYSTEM", "events": events}]}]
        vulnerability = {"id": "PYSEC-2026-1", "summary": "It is faulty.", "affected": affected}
        body = json.dumps({"vulns": [vulnerability]} if asked["name"] == FAULTY else {}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Nothing: what it was asked is not looked at."""


@contextmanager
def vulnerabilities() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Osv) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


@contextmanager
def nobody_there() -> Iterator[str]:
    """Where a connection is refused: the port is bound and nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/v1/query"


def pin(folder: Path, packages: Mapping[str, str]) -> list[str]:
    """A requirements file for each package."""
    files = [folder / f"{name}.txt" for name in packages]
    for file, (name, version) in zip(files, packages.items(), strict=True):
        file.write_text(f"{name}=={version} --hash=sha256:{HASH}\n")
    return [str(file) for file in files]


def ask(url: str, files: list[str], cache: Path) -> int:
    return main([*files, "--", "--vulnerability-service=osv", f"--osv-url={url}", f"--cache-dir={cache}"])


def test_a_known_vulnerability_is_named_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = pin(tmp_path, {"sound": "2.0.0", FAULTY: "1.0.0"})
    with vulnerabilities() as url:
        assert ask(url, files, tmp_path / "cache") == 1
    assert "faulty 1.0.0: PYSEC-2026-1, mended in 1.0.1\npip-audit: 2 packages, 1 faults" in capsys.readouterr().out


def test_packages_without_one_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = pin(tmp_path, {"sound": "2.0.0", "as-sound": "1.0.0"})
    with vulnerabilities() as url:
        assert ask(url, files, tmp_path / "cache") == 0
    assert capsys.readouterr().out == "pip-audit: 2 packages, 0 faults\n"


def test_without_a_network_it_says_that_it_was_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with nobody_there() as url:
        assert ask(url, pin(tmp_path, {"sound": "2.0.0"}), tmp_path / "cache") == 0
    assert capsys.readouterr().out == "pip-audit: skipped: the index cannot be reached\n"


def test_a_file_that_cannot_be_read_is_no_missing_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unpinned = tmp_path / "unpinned.txt"
    unpinned.write_text("sound\n")
    assert main([str(unpinned)]) == 1
    assert "pip-audit failed" in capsys.readouterr().err
