"""`make audit`: known vulnerabilities of the packages that requirements files pin, as pip-audit finds them.

python -m tools.audit_requirements requirements.txt … [-- OPTION OF pip-audit …]

Ends with 1 for a vulnerability, and for a package that could not be judged while others could. What the index cannot be
asked about, offline or at a mirror that tells nothing of vulnerabilities, is said in a line and ends with 0.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

PIP_AUDIT = Path(".venv-audit") / "bin" / "pip-audit"
SECONDS_TO_CONNECT = 5
# pip-audit names only one way of not reaching its index and lets the others fall through as they are. Not SSLError: a
# certificate that does not fit is no missing network.
UNREACHABLE = re.compile(
    r"^(requests\.exceptions\.(ConnectionError|ProxyError|ConnectTimeout|ReadTimeout)\b|ERROR:.*Could not connect to)",
    re.MULTILINE,
)
Report = list[dict[str, Any]]


class UnreachableIndexError(Exception):
    """The index cannot be asked; the message says why."""


class AuditFailedError(Exception):
    """pip-audit ended without a report; the message is what it said."""


def audit(files: Sequence[str], options: Sequence[str] = ()) -> Report:
    """pip-audit's word on each package of the files, first on the first file's alone: where it learns nothing of any of
    them, nobody is asked about the others. Raises UnreachableIndexError, AuditFailedError."""
    first = _ask(files[:1], options)
    if all("skip_reason" in package for package in first):
        raise UnreachableIndexError("the index tells nothing of vulnerabilities")
    return _ask(files, options) if files[1:] else first


def _ask(files: Sequence[str], options: Sequence[str]) -> Report:
    named = [part for file in files for part in ("--requirement", file)]
    # pinned with hashes and complete: pip has nothing to resolve
    how = ["--disable-pip", "--require-hashes", "--format=json", "--progress-spinner=off", "--desc=off"]
    command = [str(PIP_AUDIT), *how, f"--timeout={SECONDS_TO_CONNECT}", *options, *named]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.stdout.strip():
        return list(json.loads(done.stdout)["dependencies"])
    if UNREACHABLE.search(done.stderr):
        raise UnreachableIndexError("the index cannot be reached")
    raise AuditFailedError(done.stderr)


def faults_in(report: Report) -> list[str]:
    """A line for each vulnerability, and for each package that was not judged."""
    skipped = [f"{package['name']}: {package['skip_reason']}" for package in report if "skip_reason" in package]
    found = [
        f"{package['name']} {package['version']}: {vulnerability['id']}, {_mended_in(vulnerability['fix_versions'])}"
        for package in report
        for vulnerability in package.get("vulns", ())
    ]
    return sorted({*found, *skipped})


def _mended_in(versions: Iterable[str]) -> str:
    return f"mended in {', '.join(versions)}" if versions else "not mended yet"


def main(arguments: Sequence[str]) -> int:
    divider = arguments.index("--") if "--" in arguments else len(arguments)
    try:
        report = audit(arguments[:divider], arguments[divider + 1 :])
    except UnreachableIndexError as exc:
        print(f"pip-audit: skipped: {exc}")
        return 0
    except AuditFailedError as exc:
        print(f"pip-audit failed:\n{exc}", file=sys.stderr)
        return 1
    faults = faults_in(report)
    print("\n".join([*faults, f"pip-audit: {len(report)} packages, {len(faults)} faults"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
