"""The native face's errors: RFC 9457 `application/problem+json`, one map from what was raised."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from stepcall.asl.graph import EmptyRunModeError
from stepcall.domain.access import MissingScopeError, NotGrantedError
from stepcall.domain.decision_errors import (
    InvalidDecisionError,
    TaskDecidedError,
    TaskNotAwaitingError,
    TaskNotFoundError,
)
from stepcall.domain.delivery_errors import DeliveryNotFoundError, DeliveryPendingError
from stepcall.domain.errors import InstancesNotFoundError, InvalidDefinitionError, InvalidParametersError
from stepcall.domain.idempotency import IdempotencyKeyReusedError
from stepcall.domain.ids import MalformedIdError
from stepcall.domain.json_text import MalformedJsonError, write_json
from stepcall.domain.rate_limit import RateLimitedError
from stepcall.domain.trigger_errors import (
    TooManyTriggersError,
    TriggerIsChangingError,
    TriggerNotFoundError,
    TriggerQuotaError,
    TriggerRefusedError,
)
from stepcall.domain.webhook_errors import (
    TooManyWebhooksError,
    WebhookDisabledError,
    WebhookIsChangingError,
    WebhookNotFoundError,
    WebhookRefusedError,
    WebhookSecretsUnavailableError,
)
from stepcall.runtime.authentication import TokensUnavailableError, UnauthenticatedError
from stepcall.runtime.http import (
    AnswerTooLargeError,
    AwsUnavailableError,
    BodyTooLargeError,
    InvalidRequestError,
    MethodNotAllowedError,
    RouteNotFoundError,
    headers_of,
    log_refusal,
)
from stepcall.runtime.refusals import AGAIN, START_IN_PROGRESS
from stepcall.stores.api_key_store import UnknownApiKeyError
from stepcall.stores.connection_store import ConnectionExistsError, ConnectionNotFoundError, DatasetNotFoundError
from stepcall.stores.run_store import RunHasEndedError, RunNotFoundError, StartedOnceError
from stepcall.stores.task_type_errors import TaskTypeNotFoundError
from stepcall.stores.workflow_store import (
    ConfigIdTakenError,
    VersionConflictError,
    VersionNotFoundError,
    WorkflowNotFoundError,
)
from stepcall.use_cases.change_workflow import StaleVersionError
from stepcall.use_cases.connection_errors import (
    ApiAccessDisabledError,
    ApiAccessRefusedError,
    ConnectionInUseError,
    DatasetRefusedError,
    DefaultConnectionError,
    ImportUnavailableError,
)
from stepcall.use_cases.dependencies import ProviderKeysUnavailableError
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.resume_errors import ResumeRefusedError
from stepcall.use_cases.sql_worker import SqlTimeoutError
from stepcall.use_cases.task_type_errors import TaskTypeRefusedError, TooManyTaskTypesError

PROBLEM_JSON = "application/problem+json"
NOT_AUTHENTICATED = (
    "No key or token was sent, or it is not known, has expired or was deleted. "
    "Send one as `x-api-key`, as `Authorization: Bearer …`, or as `?access_token=…`."
)
INTERNAL = "Something went wrong on our side. Say the id in `instance` when you report it."


@dataclass(frozen=True, slots=True)
class Answer:
    """How one kind of error is answered; without a `detail` the error speaks for itself."""

    status: HTTPStatus
    type: str
    title: str
    detail: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


NO_WORKFLOW = "There is no such workflow. `POST /workflows` answers with the id of the one it creates."
NO_EXECUTION = "There is no such execution."
ANSWERS: Mapping[type[Exception], Answer] = {
    InvalidDefinitionError: Answer(
        HTTPStatus.BAD_REQUEST, "invalid-definition", "The workflow definition is not valid"
    ),
    InvalidParametersError: Answer(HTTPStatus.BAD_REQUEST, "invalid-input", "The input does not fit the workflow"),
    InvalidRequestError: Answer(HTTPStatus.BAD_REQUEST, "invalid-request", "The request is not valid"),
    InvalidDecisionError: Answer(
        HTTPStatus.BAD_REQUEST, "invalid-decision", "The data does not fit what the task asks for"
    ),
    EmptyRunModeError: Answer(HTTPStatus.NOT_FOUND, "empty-run-mode", "The run mode leaves nothing to run"),
    DatasetRefusedError: Answer(HTTPStatus.BAD_REQUEST, "invalid-dataset", "The connection or dataset is not valid"),
    ApiAccessRefusedError: Answer(HTTPStatus.BAD_REQUEST, "invalid-api-access", "The workflow cannot be enabled so"),
    WebhookRefusedError: Answer(HTTPStatus.BAD_REQUEST, "invalid-webhook", "The webhook cannot be called"),
    TriggerRefusedError: Answer(HTTPStatus.BAD_REQUEST, "invalid-trigger", "There can be no such trigger"),
    TaskTypeRefusedError: Answer(HTTPStatus.BAD_REQUEST, "invalid-task-type", "There can be no such task type"),
    MalformedJsonError: Answer(HTTPStatus.BAD_REQUEST, "malformed-json", "The body is not JSON"),
    AnswerTooLargeError: Answer(HTTPStatus.BAD_REQUEST, "answer-too-large", "The answer is too large"),
    UnauthenticatedError: Answer(
        HTTPStatus.UNAUTHORIZED,
        "unauthenticated",
        "Authentication is needed",
        NOT_AUTHENTICATED,
        {"WWW-Authenticate": "Bearer"},
    ),
    MissingScopeError: Answer(
        HTTPStatus.FORBIDDEN,
        "missing-scope",
        "The key or token lacks a scope",
        headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'},
    ),
    NotGrantedError: Answer(HTTPStatus.FORBIDDEN, "not-granted", "Not granted to this key or token"),
    MalformedIdError: Answer(HTTPStatus.NOT_FOUND, "not-found", "Not found", "There is nothing of this id."),
    WorkflowNotFoundError: Answer(HTTPStatus.NOT_FOUND, "workflow-not-found", "Workflow not found", NO_WORKFLOW),
    VersionNotFoundError: Answer(HTTPStatus.NOT_FOUND, "version-not-found", "Version not found"),
    RunNotFoundError: Answer(HTTPStatus.NOT_FOUND, "execution-not-found", "Execution not found", NO_EXECUTION),
    TaskNotFoundError: Answer(HTTPStatus.NOT_FOUND, "task-not-found", "Task not found"),
    InstancesNotFoundError: Answer(HTTPStatus.NOT_FOUND, "instances-not-found", "Task without instances"),
    DeliveryNotFoundError: Answer(
        HTTPStatus.NOT_FOUND, "delivery-not-found", "Delivery not found", "The execution has no such delivery."
    ),
    UnknownApiKeyError: Answer(HTTPStatus.NOT_FOUND, "api-key-not-found", "API key not found", "There is no such key."),
    ConnectionNotFoundError: Answer(
        HTTPStatus.NOT_FOUND,
        "connection-not-found",
        "Connection not found",
        "There is no such connection. `GET /connections` lists those there are.",
    ),
    DatasetNotFoundError: Answer(
        HTTPStatus.NOT_FOUND, "dataset-not-found", "Dataset not found", "The connection has no dataset of this name."
    ),
    WebhookNotFoundError: Answer(
        HTTPStatus.NOT_FOUND, "webhook-not-found", "Webhook not found", "The workflow has no webhook of this id."
    ),
    TriggerNotFoundError: Answer(
        HTTPStatus.NOT_FOUND, "trigger-not-found", "Trigger not found", "The workflow has no trigger of this id."
    ),
    TaskTypeNotFoundError: Answer(
        HTTPStatus.NOT_FOUND,
        "task-type-not-found",
        "Task type not found",
        "There is no such task type, or it is none of your own. `GET /task-types` lists those there are.",
    ),
    RouteNotFoundError: Answer(HTTPStatus.NOT_FOUND, "not-found", "Not found", "There is no such route."),
    MethodNotAllowedError: Answer(HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed"),
    RunHasEndedError: Answer(HTTPStatus.CONFLICT, "execution-has-ended", "The execution has ended"),
    TaskNotAwaitingError: Answer(HTTPStatus.CONFLICT, "task-not-awaiting", "The task awaits no decision"),
    TaskDecidedError: Answer(HTTPStatus.CONFLICT, "task-decided", "The task was decided otherwise"),
    DeliveryPendingError: Answer(HTTPStatus.CONFLICT, "delivery-pending", "The delivery has not ended"),
    ResumeRefusedError: Answer(HTTPStatus.CONFLICT, "not-resumable", "The execution cannot be resumed"),
    StartedOnceError: Answer(
        HTTPStatus.CONFLICT, "start-in-progress", "The same request is being handled", START_IN_PROGRESS, AGAIN
    ),
    VersionConflictError: Answer(
        HTTPStatus.CONFLICT,
        "workflow-is-changing",
        "The workflow is being changed",
        "Others change this workflow at this moment, and this request changed nothing; send it again.",
        {"Retry-After": "1"},
    ),
    ConfigIdTakenError: Answer(HTTPStatus.CONFLICT, "config-id-taken", "Another workflow has the config_id"),
    ConnectionExistsError: Answer(HTTPStatus.CONFLICT, "connection-exists", "The connection's name is taken"),
    DefaultConnectionError: Answer(HTTPStatus.CONFLICT, "default-connection", "The default connection stays"),
    ConnectionInUseError: Answer(HTTPStatus.CONFLICT, "connection-in-use", "Workflows can be called on the connection"),
    ApiAccessDisabledError: Answer(HTTPStatus.CONFLICT, "api-access-disabled", "The workflow is not enabled"),
    TooManyWebhooksError: Answer(HTTPStatus.CONFLICT, "too-many-webhooks", "The workflow has too many webhooks"),
    WebhookDisabledError: Answer(HTTPStatus.CONFLICT, "webhook-disabled", "The webhook is disabled"),
    WebhookIsChangingError: Answer(
        HTTPStatus.CONFLICT,
        "webhook-is-changing",
        "The webhook is being changed",
        "Others change the webhooks of this workflow at this moment, and this request changed nothing; send it again.",
        {"Retry-After": "1"},
    ),
    TooManyTaskTypesError: Answer(HTTPStatus.CONFLICT, "too-many-task-types", "There are too many task types"),
    TooManyTriggersError: Answer(HTTPStatus.CONFLICT, "too-many-triggers", "The workflow has too many triggers"),
    TriggerQuotaError: Answer(HTTPStatus.CONFLICT, "trigger-quota", "EventBridge has too many rules or schedules"),
    TriggerIsChangingError: Answer(
        HTTPStatus.CONFLICT,
        "trigger-is-changing",
        "The trigger is being changed",
        "Others change the triggers of this workflow at this moment, and this request changed nothing; send it again.",
        {"Retry-After": "1"},
    ),
    StaleVersionError: Answer(HTTPStatus.PRECONDITION_FAILED, "stale-version", "The workflow has another version"),
    BodyTooLargeError: Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", "The body is too large"),
    IdempotencyKeyReusedError: Answer(
        HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency-key-reused", "The Idempotency-Key belongs to another request"
    ),
    RateLimitedError: Answer(
        HTTPStatus.TOO_MANY_REQUESTS, "rate-limited", "Too many executions are started", headers={"Retry-After": "1"}
    ),
    AwsUnavailableError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "aws-unavailable",
        "AWS does not take a call that this needs",
        "A service behind this API throttles, or does not answer; send the request again.",
        {"Retry-After": "2"},
    ),
    TokensUnavailableError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "tokens-unavailable",
        "Tokens cannot be checked now",
        "Secrets Manager does not answer, which holds what tokens are signed with; send the request again.",
        {"Retry-After": "2"},
    ),
    ProviderKeysUnavailableError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "provider-key-not-taken",
        "The provider's key cannot be taken now",
        "Secrets Manager does not answer, which holds what `X-OpenAI-Key` is encrypted with. Nothing was started; send "
        "the request again.",
        {"Retry-After": "2"},
    ),
    WebhookSecretsUnavailableError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "webhook-secrets-unavailable",
        "Secrets of webhooks cannot be told now",
        "Secrets Manager does not answer, which holds what webhooks are signed with. Nothing was started or changed; "
        "send the request again.",
        {"Retry-After": "2"},
    ),
    ImportUnavailableError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "import-unavailable",
        "Files cannot be imported now",
        "What imports files did not take this one, and nothing was changed; send the request again.",
        {"Retry-After": "2"},
    ),
    SqlTimeoutError: Answer(
        HTTPStatus.GATEWAY_TIMEOUT,
        "import-timeout",
        "The file takes too long to import",
        "Nothing was changed. Send the file as Parquet, which is read fastest, or its rows as several datasets.",
    ),
    EngineUnavailableError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "try-again",
        "The execution could not be started now",
        "What this takes does not answer, or is not deployed, and nothing was started; send the request again.",
        {"Retry-After": "2"},
    ),
}
BUG = Answer(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", "Internal error", INTERNAL)


def print_error(error: Exception, app: APIGatewayHttpResolver) -> Response[str]:
    """Any exception as a problem. One that is not in the map is a bug: a 500 with an id, and its text in the log."""
    answer = ANSWERS.get(type(error), BUG)
    log_refusal(error, answer.status, is_bug=answer is BUG)
    problems = getattr(error, "problems", [])
    body = {
        "type": f"urn:stepcall:problem:{answer.type}",
        "title": answer.title,
        "status": answer.status.value,
        "detail": answer.detail or str(error),
        "instance": f"urn:stepcall:request:{app.current_event.request_context.request_id}",
        **({"errors": [problem.to_json() for problem in problems]} if problems else {}),
    }
    return Response(
        answer.status.value, PROBLEM_JSON, write_json(body), headers={**answer.headers, **headers_of(error)}
    )
