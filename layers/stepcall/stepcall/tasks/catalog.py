"""The one list of task types."""

from collections.abc import Mapping
from types import MappingProxyType

from stepcall.domain.task_contract import TaskContract
from stepcall.tasks.ai import OPENAI_TEXT_SUMMARIZE
from stepcall.tasks.data import DATA_TRANSFORM
from stepcall.tasks.flow import APPROVAL, WAIT
from stepcall.tasks.http import HTTP_REQUEST
from stepcall.tasks.invoke import LAMBDA_INVOKE
from stepcall.tasks.sql import SQL_QUERY, WORKFLOW_OUTPUT
from stepcall.tasks.web import WEB_DOWNLOAD, WEB_EXTRACT_TEXT
from stepcall.tasks.workflow import EXECUTE

CATALOG: Mapping[str, TaskContract] = MappingProxyType(
    {
        contract.name: contract
        for contract in (
            WEB_DOWNLOAD,
            WEB_EXTRACT_TEXT,
            HTTP_REQUEST,
            OPENAI_TEXT_SUMMARIZE,
            DATA_TRANSFORM,
            SQL_QUERY,
            WORKFLOW_OUTPUT,
            WAIT,
            APPROVAL,
            LAMBDA_INVOKE,
            EXECUTE,
        )
    }
)
