"""Schemathesis calls every operation that the API describes, as it is described and as it is not, on the local stack.

It finds what a description promises and the service does not keep: another status, type, header or body, a 5xx, a
request that is taken though it should not be. The same requests in every run; what it asks, and what is left out and
why: schemathesis.toml.
"""

from tests.local.described_service import Service, assert_nothing_found
from workflows_api.describe.api import describe_api

OPERATIONS = [(method, path) for path, item in describe_api()["paths"].items() for method in item]


def test_every_route_answers_as_it_is_described(service: Service) -> None:
    assert_nothing_found(service.schemathesis("/openapi.json"), len(OPERATIONS))


def test_routes_answer_as_described_for_ids_that_there_are_not(service: Service) -> None:
    nothing = "0" * 25
    options = (
        "--phases",
        "fuzzing",
        "--include-path-regex",
        r"\{(workflow|execution|external|key|webhook|trigger)_id\}",
    )
    missing = {"workflow": f"wf-{nothing}", "execution": f"ex-{nothing}", "job": f"ex-{nothing}"}
    missing |= {"api_key_id": f"key_{nothing}", "deleted_key": f"key_{nothing}"}
    missing |= {f"{kind}_workflow": missing["workflow"] for kind in ("changed", "deleted", "subscribed", "triggered")}
    missing |= {"webhook": f"wh-{nothing}", "deleted_webhook": f"wh-{nothing}"}
    missing |= {"trigger": f"tr-{nothing}", "deleted_trigger": f"tr-{nothing}"}
    with_ids = [path for _, path in OPERATIONS if "_id}" in path]
    assert_nothing_found(service.schemathesis("/openapi.json", *options, **missing), len(with_ids))
