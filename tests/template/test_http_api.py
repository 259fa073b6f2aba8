import json
from typing import Any

import pytest

from tests.template.sam_template import Template, resources_of_type


def body_of(template: Template) -> dict[str, Any]:
    [api] = resources_of_type(template, "AWS::ApiGatewayV2::Api").values()
    body: dict[str, Any] = api["Body"]
    return body


def stage_of(template: Template) -> dict[str, Any]:
    [stage] = resources_of_type(template, "AWS::ApiGatewayV2::Stage").values()
    return stage


def test_every_request_goes_to_its_face_in_format_2(transformed: Template) -> None:
    paths = body_of(transformed)["paths"]
    faces = {
        "/$default": "WorkflowsApiFunction",
        "/v3/sql/{proxy+}": "CartoApiFunction",
        "/wave/{proxy+}": "WaveApiFunction",
        "/api/{proxy+}": "AmperityApiFunction",
    }
    assert set(paths) == set(faces)
    for path, function in faces.items():
        integration = paths[path]["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]
        assert f"${{{function}.Arn}}" in integration["uri"]["Fn::Sub"]
        assert integration["payloadFormatVersion"] == "2.0"


def test_only_the_gateway_calls_the_api_and_each_other_function_is_called_by_its_own_service(
    transformed: Template,
) -> None:
    permissions = resources_of_type(transformed, "AWS::Lambda::Permission").values()
    assert {(p["Principal"], p["FunctionName"]["Ref"]) for p in permissions} == {
        ("apigateway.amazonaws.com", "WorkflowsApiFunction"),
        ("apigateway.amazonaws.com", "CartoApiFunction"),
        ("apigateway.amazonaws.com", "WaveApiFunction"),
        ("apigateway.amazonaws.com", "AmperityApiFunction"),
        ("secretsmanager.amazonaws.com", "RotateTokenKeyFunction"),
        ("events.amazonaws.com", "SweepRunsFunction"),
        ("events.amazonaws.com", "RecordExecutionStatusFunction"),
        ("events.amazonaws.com", "DeliverWebhookFunction"),
        ("events.amazonaws.com", "StartTriggeredRunFunction"),
    }
    assert all("SourceArn" in permission for permission in permissions)


def test_pages_of_any_origin_may_call_with_the_headers_clients_send(transformed: Template) -> None:
    cors = body_of(transformed)["x-amazon-apigateway-cors"]
    assert cors["allowOrigins"] == ["*"]
    assert not cors.get("allowCredentials")  # any origin with cookies would let every page act for its visitor
    sent = {"authorization", "content-type", "x-api-key", "x-openai-key", "idempotency-key", "prefer", "if-match"}
    assert set(cors["allowHeaders"]) == sent | {"amperity-tenant", "api-version"}
    told = {"location", "retry-after", "ratelimit", "ratelimit-policy", "preference-applied", "etag"}
    told |= {"link", "deprecation", "sunset", "amperity-request-id", "idempotent-replayed"}
    assert told <= set(cors["exposeHeaders"])
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= set(cors["allowMethods"])


def test_requests_are_throttled_as_the_deployer_chooses(transformed: Template) -> None:
    settings = stage_of(transformed)["DefaultRouteSettings"]
    assert settings == {
        "ThrottlingRateLimit": {"Ref": "ThrottleRate"},
        "ThrottlingBurstLimit": {"Ref": "ThrottleBurst"},
    }


def access_log(template: Template) -> dict[str, str]:
    """A line of the access log, as JSON reads it."""
    line: dict[str, str] = json.loads(stage_of(template)["AccessLogSettings"]["Format"])
    return line


def test_the_access_log_is_json_and_says_who_asked_what_and_how_it_went(transformed: Template) -> None:
    line = access_log(transformed)
    wanted = {"requestId", "routeKey", "status", "responseLatency", "identity.sourceIp"}
    assert {f"$context.{name}" for name in wanted} <= set(line.values())
    assert stage_of(transformed)["AccessLogSettings"]["DestinationArn"] == {"Fn::GetAtt": ["ApiAccessLogs", "Arn"]}


def test_a_path_cannot_speak_for_the_rest_of_the_line(transformed: Template) -> None:
    template = stage_of(transformed)["AccessLogSettings"]["Format"]
    forged = template.replace("$context.path", '/","status":"200","x":"').replace("$context.status", "401")
    assert json.loads(forged)["status"] == "401"


@pytest.mark.parametrize("variable", ["querystring", "queryString", "requestOverride", "authorizer", "header"])
def test_the_access_log_never_holds_what_may_hold_a_token(transformed: Template, variable: str) -> None:
    assert not any(variable in value for value in access_log(transformed).values())
