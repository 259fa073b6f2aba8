"""What a deployer chooses for web tasks."""

import tomllib
from pathlib import Path

import pytest

from run_web_task.settings import WebSettings
from stepcall.guarded_http.limits import MEGABYTE
from stepcall.runtime.settings import SettingsError
from stepcall.version import VERSION


def test_nothing_is_allowed_by_default() -> None:
    assert WebSettings.from_env({}).allowed_hosts == frozenset()
    assert WebSettings.from_env({"WEB_ALLOWED_HOSTS": ""}).allowed_hosts == frozenset()


def test_allowed_hosts_are_read() -> None:
    settings = WebSettings.from_env({"WEB_ALLOWED_HOSTS": "127.0.0.1:8000,Intranet.example"})
    assert settings.allowed_hosts == {"127.0.0.1:8000", "intranet.example"}


@pytest.mark.parametrize("text", ["http://intranet.example", "*", "10.0.0.0/8"])
def test_what_is_no_host_is_refused_and_the_variable_named(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^WEB_ALLOWED_HOSTS cannot be read: "):
        WebSettings.from_env({"WEB_ALLOWED_HOSTS": text})


@pytest.mark.parametrize(("memory", "left"), [("2048", 1536), ("1024", 512), ("512", 256)])
def test_the_process_that_reads_pages_leaves_memory_to_the_worker(memory: str, left: int) -> None:
    settings = WebSettings.from_env({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": memory})
    assert settings.extractor_memory_bytes == left * MEGABYTE


def test_the_version_that_others_are_told_is_the_projects() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION
