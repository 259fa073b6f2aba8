"""As test_schemathesis.py, for what other documents describe: one workflow, and the Amperity face.

A file of its own, so that it may run at the same time.
"""

from amperity_api.app import ACCESS as AMPERITY_ACCESS
from local.seed import API_KEY
from tests.local.described_service import Service, assert_nothing_found

# a workflow is described in the words of one generation, and its paths take those of the other, too
OF_ONE_WORKFLOW = ("--max-examples", "40", "--exclude-checks", "unsupported_method,allow_header_conformance")


def test_a_workflow_takes_exactly_what_its_own_description_says(service: Service) -> None:
    path = f"/workflows/{service.environment['STEPCALL_WORKFLOW']}/openapi.json?access_token={API_KEY}"
    assert_nothing_found(service.schemathesis(path, *OF_ONE_WORKFLOW), 6)


def test_a_later_workflow_takes_exactly_what_its_own_description_says(service: Service) -> None:
    path = f"/workflows/{service.later_workflow}/openapi.json?access_token={API_KEY}"
    assert_nothing_found(service.schemathesis(path, *OF_ONE_WORKFLOW, execution=service.later_execution), 7)


def test_every_route_of_the_amperity_face_answers_as_it_is_described(service: Service) -> None:
    done = service.schemathesis("/api/openapi.json", config="schemathesis_amperity.toml")
    assert_nothing_found(done, len(AMPERITY_ACCESS))
