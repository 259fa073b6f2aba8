"""Pre-signed links to the bucket's objects open on the stack's own port, and only as they were signed."""

import time
from urllib.parse import urlsplit

import pytest

from tests.local.http_client import Answer, Client

BIG = 3_000_000
VERSIONS = ("s3v4", "s3")  # what botocore calls the signatures of version 4 and 2


def link(client: Client, version: str = "s3v4", *, size: int = 10, seconds: int = 60) -> str:
    answer = client("GET", f"/link?key=runs/one/a%20b.txt&bytes={size}&seconds={seconds}&version={version}")
    url: str = answer.json["url"]
    return url


def open_link(client: Client, url: str, method: str = "GET", content: bytes | None = None, **headers: str) -> Answer:
    parts = urlsplit(url)
    return client(method, f"{parts.path}?{parts.query}", content, **headers)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_link_opens_as_it_was_signed(client: Client, service_url: str, version: str) -> None:
    url = link(client, version, size=BIG)
    assert url.startswith(f"{service_url}/_local/s3/stepcall-filesbucket-")
    answer = open_link(client, url)
    assert (answer.status, answer.body) == (200, b"x" * BIG)
    assert answer.header("content-type") == "text/plain"


def test_a_part_of_an_object_can_be_asked_for(client: Client) -> None:
    answer = open_link(client, link(client), range="bytes=2-4")
    assert (answer.status, answer.body, answer.header("content-range")) == (206, b"xxx", "bytes 2-4/10")


@pytest.mark.parametrize(
    ("version", "before", "after"),
    [
        ("s3v4", "X-Amz-Expires=60", "X-Amz-Expires=600"),
        ("s3v4", "/runs/one/", "/runs/two/"),
        ("s3v4", "X-Amz-Signature=", "X-Amz-Signature=0"),
        ("s3", "&Expires=1", "&Expires=2"),
        ("s3", "/runs/one/", "/runs/two/"),
        ("s3", "&Signature=", "&Signature=0"),
    ],
)
def test_a_link_that_was_changed_is_refused(client: Client, version: str, before: str, after: str) -> None:
    url = link(client, version)
    assert before in url
    answer = open_link(client, url.replace(before, after))
    assert (answer.status, b"<Code>SignatureDoesNotMatch</Code>" in answer.body) == (403, True)


@pytest.mark.parametrize(
    ("before", "after"),
    [("X-Amz-Expires=60", "X-Amz-Expires=soon"), ("X-Amz-Date", "Date"), ("X-Amz-Date=2", "X-Amz-Date=x")],
)
def test_a_link_that_makes_no_sense_is_refused(client: Client, before: str, after: str) -> None:
    assert open_link(client, link(client).replace(before, after)).status == 403


def test_a_link_is_for_the_method_it_was_signed_for(client: Client) -> None:
    assert open_link(client, link(client), "HEAD").status == 403
    assert open_link(client, link(client), "DELETE").status == 403


def test_a_link_ends_when_it_said(client: Client) -> None:
    urls = [link(client, version, seconds=1) for version in VERSIONS]
    time.sleep(1.1)
    assert [open_link(client, url).status for url in urls] == [403, 403]


def test_an_object_without_a_link_is_refused(client: Client) -> None:
    assert client("GET", urlsplit(link(client)).path).status == 403


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("size", [0, BIG])
def test_an_object_is_put_by_a_link_and_opens_as_it_was_put(client: Client, version: str, size: int) -> None:
    urls = client("GET", f"/link-to-put?key=uploads/{version}/{size}%20b&seconds=60&version={version}").json
    answer = open_link(client, urls["put"], "PUT", content=b"y" * size)
    assert (answer.status, answer.body) == (200, b"")
    assert (answer.header("etag") or "").startswith('"')
    opened = open_link(client, urls["get"])
    assert (opened.status, opened.body) == (200, b"y" * size)


@pytest.mark.parametrize("content_type", ["text/csv", "application/x-www-form-urlencoded", "application/octet-stream"])
def test_whatever_a_client_calls_it_the_content_is_kept(client: Client, content_type: str) -> None:
    urls = client("GET", "/link-to-put?key=uploads/named&seconds=60&version=s3v4").json
    assert open_link(client, urls["put"], "PUT", content=b"a=b&c=%20", content_type=content_type).status == 200
    assert open_link(client, urls["get"]).body == b"a=b&c=%20"


def test_an_object_that_is_put_again_is_the_later_one(client: Client) -> None:
    urls = client("GET", "/link-to-put?key=uploads/again&seconds=60&version=s3v4").json
    for content in (b"first", b"second"):
        assert open_link(client, urls["put"], "PUT", content=content).status == 200
    assert open_link(client, urls["get"]).body == b"second"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_link_to_read_takes_nothing_and_a_link_to_put_shows_nothing(client: Client, version: str) -> None:
    urls = client("GET", f"/link-to-put?key=uploads/{version}-kept&seconds=60&version={version}").json
    assert open_link(client, urls["put"], "PUT", content=b"mine").status == 200
    assert open_link(client, urls["get"], "PUT", content=b"theirs").status == 403
    assert open_link(client, urls["put"]).status == 403
    assert open_link(client, urls["put"].replace("-kept", "-other"), "PUT", content=b"theirs").status == 403
    assert open_link(client, urls["get"]).body == b"mine"


def test_a_link_to_put_ends_when_it_said(client: Client) -> None:
    urls = client("GET", "/link-to-put?key=uploads/late&seconds=1&version=s3v4").json
    time.sleep(1.1)
    assert open_link(client, urls["put"], "PUT", content=b"late").status == 403
