"""Does web tasks."""

import time
from collections.abc import Mapping
from functools import partial

from run_web_task.http_request import request
from run_web_task.http_secrets import HttpSecrets, open_secret
from run_web_task.settings import WebSettings
from run_web_task.web_download import download
from run_web_task.web_extract_text import extract_text
from stepcall.aws.secrets import SecretsReader
from stepcall.domain.task_contract import TaskImplementation
from stepcall.guarded_http.client import GuardedHttp
from stepcall.runtime.client_wiring import make_client
from stepcall.runtime.worker import task_handler
from stepcall.tasks.http import HTTP_REQUEST
from stepcall.tasks.web import WEB_DOWNLOAD, WEB_EXTRACT_TEXT
from stepcall.version import VERSION


def implementations() -> Mapping[str, TaskImplementation]:
    settings = WebSettings.from_env()
    http = GuardedHttp(settings.allowed_hosts, user_agent=f"Stepcall/{VERSION}")
    secrets = HttpSecrets(settings.http_secret_arns, settings.allowed_hosts, _secrets_reader)
    return {
        HTTP_REQUEST.name: partial(request, http=http, secrets=secrets),
        WEB_DOWNLOAD.name: partial(download, http=http),
        WEB_EXTRACT_TEXT.name: partial(extract_text, memory_bytes=settings.extractor_memory_bytes),
    }


def _secrets_reader() -> SecretsReader:
    return SecretsReader(make_client("secretsmanager"), time.monotonic, value_of=open_secret)


lambda_handler = task_handler(implementations)
