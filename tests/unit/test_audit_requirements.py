from typing import Any

from tools.audit_requirements import UNREACHABLE, faults_in

FINE = {"name": "fine", "version": "1.0", "vulns": []}


def faulty(*fix_versions: str) -> dict[str, Any]:
    return {"name": "faulty", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": list(fix_versions)}]}


def test_packages_without_vulnerabilities_are_no_fault() -> None:
    assert faults_in([FINE]) == []


def test_each_vulnerability_is_named_once_with_what_mends_it() -> None:
    assert faults_in([faulty("1.1", "2.0"), FINE, faulty("1.1", "2.0")]) == ["faulty 1.0: PYSEC-1, mended in 1.1, 2.0"]
    assert faults_in([faulty()]) == ["faulty 1.0: PYSEC-1, not mended yet"]


def test_a_package_that_was_not_judged_is_a_fault() -> None:
    assert faults_in([FINE, {"name": "gone", "skip_reason": "not found"}]) == ["gone: not found"]


def test_a_certificate_that_does_not_fit_is_no_missing_network() -> None:
    assert UNREACHABLE.search("…\nrequests.exceptions.ProxyError: HTTPSConnectionPool(…)")
    assert not UNREACHABLE.search("…\nrequests.exceptions.SSLError: HTTPSConnectionPool(…)")
