"""Does web tasks."""

from collections.abc import Mapping
from functools import partial

from run_web_task.settings import WebSettings
from run_web_task.web_download import download
from run_web_task.web_extract_text import extract_text
from stepcall.domain.task_contract import TaskImplementation
from stepcall.guarded_http.client import GuardedHttp
from stepcall.runtime.worker import task_handler
from stepcall.tasks.web import WEB_DOWNLOAD, WEB_EXTRACT_TEXT
from stepcall.version import VERSION


def implementations() -> Mapping[str, TaskImplementation]:
    settings = WebSettings.from_env()
    http = GuardedHttp(settings.allowed_hosts, user_agent=f"Stepcall/{VERSION}")
    return {
        WEB_DOWNLOAD.name: partial(download, http=http),
        WEB_EXTRACT_TEXT.name: partial(extract_text, memory_bytes=settings.extractor_memory_bytes),
    }


lambda_handler = task_handler(implementations)
