"""Pre-signed links to the bucket's objects open on the stack's own port, and only as they were signed."""

import time
from urllib.parse import urlsplit

import pytest

from tests.local.http_client import Answer, Client

BIG = 3_000_000


def link(client: Client, *, key: str = "runs/one/a%20b.txt", size: int = 10, seconds: int = 60) -> str:
    url: str = client("GET", f"/link?key={key}&bytes={size}&seconds={seconds}").json["url"]
    return url


def open_link(client: Client, url: str, method: str = "GET", **headers: str) -> Answer:
    parts = urlsplit(url)
    return client(method, f"{parts.path}?{parts.query}", **headers)


def test_a_link_opens_as_it_was_signed(client: Client, service_url: str) -> None:
    url = link(client, size=BIG)
    assert url.startswith(f"{service_url}/_local/s3/stepcall-filesbucket-")
    answer = open_link(client, url)
    assert (answer.status, answer.body) == (200, b"x" * BIG)
    assert answer.header("content-type") == "text/plain"


def test_a_part_of_an_object_can_be_asked_for(client: Client) -> None:
    answer = open_link(client, link(client), range="bytes=2-4")
    assert (answer.status, answer.body, answer.header("content-range")) == (206, b"xxx", "bytes 2-4/10")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("X-Amz-Expires=60", "X-Amz-Expires=600"),
        ("/runs/one/", "/runs/two/"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
    ],
)
def test_a_link_that_was_changed_is_refused(client: Client, before: str, after: str) -> None:
    url = link(client)
    assert before in url
    answer = open_link(client, url.replace(before, after))
    assert (answer.status, b"<Code>SignatureDoesNotMatch</Code>" in answer.body) == (403, True)


def test_a_link_is_for_the_method_it_was_signed_for(client: Client) -> None:
    assert open_link(client, link(client), "HEAD").status == 403
    assert open_link(client, link(client), "DELETE").status == 403


def test_a_link_ends_when_it_said(client: Client) -> None:
    url = link(client, seconds=1)
    time.sleep(2)
    assert open_link(client, url).status == 403


def test_an_object_without_a_link_is_refused(client: Client) -> None:
    assert client("GET", urlsplit(link(client)).path).status == 403
