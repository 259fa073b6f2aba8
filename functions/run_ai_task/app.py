"""Does the tasks that ask a language model."""

import time
from collections.abc import Mapping

from run_ai_task.api_key import ApiKey, ApiKeys, NoApiKey, SecretApiKey
from run_ai_task.chat_model import ChatModel
from run_ai_task.settings import AiSettings
from run_ai_task.summarize import Summarizer
from stepcall.aws.secrets import SecretsReader
from stepcall.domain.task_contract import TaskImplementation
from stepcall.runtime.client_wiring import make_client
from stepcall.runtime.wiring import provider_keys
from stepcall.runtime.worker import task_handler
from stepcall.tasks.ai import OPENAI_TEXT_SUMMARIZE


def implementations() -> Mapping[str, TaskImplementation]:
    settings = AiSettings.from_env()
    api_keys = ApiKeys(_api_key(settings), lambda run_id, stored: provider_keys().decrypt(run_id, stored))
    summarizer = Summarizer(ChatModel(settings.base_url), api_keys, settings.default_model)
    return {OPENAI_TEXT_SUMMARIZE.name: summarizer.summarize}


def _api_key(settings: AiSettings) -> ApiKey:
    if settings.api_key_secret_arn is None:
        return NoApiKey()
    return SecretApiKey(SecretsReader(make_client("secretsmanager"), time.monotonic), settings.api_key_secret_arn)


lambda_handler = task_handler(implementations)
