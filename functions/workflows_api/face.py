"""The native face's resolver, and who may call its routes. The modules that hold routes add them to `app`."""

from collections.abc import Mapping

from stepcall.domain.access import Scope
from stepcall.runtime.http import resolver
from workflows_api.problems import print_error

ACCESS: Mapping[str, Scope | None] = {
    "GET /health": None,
    "GET /openapi.json": None,
    "GET /docs": None,
    "GET /docs/<file_name>": None,
    "POST /oauth/token": None,
    "GET /task-types": Scope.WORKFLOWS_READ,
    "POST /workflows/validate": Scope.WORKFLOWS_READ,
    "GET /workflows/<workflow_id>/definition": Scope.WORKFLOWS_READ,
    "GET /workflows/<workflow_id>/graph": Scope.WORKFLOWS_READ,
    "GET /workflows/<workflow_id>/openapi.json": Scope.WORKFLOWS_READ,
    "POST /workflows": Scope.WORKFLOWS_WRITE,
    "GET /workflows": Scope.WORKFLOWS_READ,
    "GET /workflows/<workflow_id>": Scope.WORKFLOWS_READ,
    "PUT /workflows/<workflow_id>": Scope.WORKFLOWS_WRITE,
    "DELETE /workflows/<workflow_id>": Scope.WORKFLOWS_WRITE,
    "GET /workflows/<workflow_id>/versions": Scope.WORKFLOWS_READ,
    "POST /workflows/<workflow_id>/execute": Scope.RUNS_START,
    "POST /workflows/<workflow_id>/executions": Scope.RUNS_START,
    "GET /workflows/<workflow_id>/executions": Scope.RUNS_READ,
    "GET /workflows/<workflow_id>/executions/<execution_id>": Scope.RUNS_READ,
    "POST /workflows/<workflow_id>/executions/<execution_id>/cancel": Scope.RUNS_CANCEL,
    "POST /workflows/<workflow_id>/executions/<execution_id>/resume": Scope.RUNS_START,
    "POST /workflows/<workflow_id>/executions/<execution_id>/tasks/<ref>/complete": Scope.RUNS_START,
    "POST /workflows/<workflow_id>/executions/<execution_id>/tasks/<ref>/fail": Scope.RUNS_START,
    "POST /workflows/<workflow_id>/executions/<execution_id>/token": Scope.RUNS_READ,
    "GET /workflows/<workflow_id>/executions/<execution_id>/tasks/<ref>/instances": Scope.RUNS_READ,
    "GET /workflows/<workflow_id>/executions/<execution_id>/deliveries": Scope.RUNS_READ,
    "POST /workflows/<workflow_id>/executions/<execution_id>/deliveries/<delivery_id>/redeliver": Scope.RUNS_START,
    "GET /jobs/<external_id>": Scope.RUNS_READ,
    "POST /workflows/<workflow_id>/api-access": Scope.WORKFLOWS_WRITE,
    "GET /workflows/<workflow_id>/api-access": Scope.WORKFLOWS_READ,
    "PUT /workflows/<workflow_id>/api-access": Scope.WORKFLOWS_WRITE,
    "DELETE /workflows/<workflow_id>/api-access": Scope.WORKFLOWS_WRITE,
    "POST /workflows/<workflow_id>/webhooks": Scope.WORKFLOWS_WRITE,
    "GET /workflows/<workflow_id>/webhooks": Scope.WORKFLOWS_READ,
    "GET /workflows/<workflow_id>/webhooks/<webhook_id>": Scope.WORKFLOWS_READ,
    "PATCH /workflows/<workflow_id>/webhooks/<webhook_id>": Scope.WORKFLOWS_WRITE,
    "DELETE /workflows/<workflow_id>/webhooks/<webhook_id>": Scope.WORKFLOWS_WRITE,
    "POST /workflows/<workflow_id>/webhooks/<webhook_id>/rotate": Scope.WORKFLOWS_WRITE,
    "POST /workflows/<workflow_id>/triggers": Scope.TRIGGERS_MANAGE,
    "GET /workflows/<workflow_id>/triggers": Scope.WORKFLOWS_READ,
    "GET /workflows/<workflow_id>/triggers/<trigger_id>": Scope.WORKFLOWS_READ,
    "PATCH /workflows/<workflow_id>/triggers/<trigger_id>": Scope.TRIGGERS_MANAGE,
    "DELETE /workflows/<workflow_id>/triggers/<trigger_id>": Scope.TRIGGERS_MANAGE,
    "POST /connections": Scope.WORKFLOWS_WRITE,
    "GET /connections": Scope.WORKFLOWS_READ,
    "GET /connections/<connection>": Scope.WORKFLOWS_READ,
    "DELETE /connections/<connection>": Scope.WORKFLOWS_WRITE,
    "PUT /connections/<connection>/datasets/<dataset>": Scope.WORKFLOWS_WRITE,
    "DELETE /connections/<connection>/datasets/<dataset>": Scope.WORKFLOWS_WRITE,
    "POST /uploads": Scope.WORKFLOWS_WRITE,
    "POST /api-keys": Scope.KEYS_MANAGE,
    "GET /api-keys": Scope.KEYS_MANAGE,
    "GET /api-keys/<key_id>": Scope.KEYS_MANAGE,
    "DELETE /api-keys/<key_id>": Scope.KEYS_MANAGE,
}
"""Which scope each route needs; None for everybody. What is not here is closed."""

app = resolver(print_error, ACCESS)
