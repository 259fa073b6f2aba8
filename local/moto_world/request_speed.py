"""Shortcuts on the way of a boto3 call through botocore and moto. Each gives what they give, only sooner.

- which backend a URL belongs to: moto tries up to 180 patterns, in alphabetical order of services, at every call;
- the request as a WSGI environ: werkzeug builds it through its test client;
- which actions a service knows: moto inspects the class at every call;
- what a plain dict may call an answer's field: moto asks five providers of aliases for every field;
- items of DynamoDB in an answer: moto walks them by the service's model, and changes nothing but binary values;
- signature, user agent and a long random request id: made at every call, and read by nobody here.
"""

import io
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from botocore.signers import RequestSigner
from botocore.useragent import UserAgentString
from moto import backend_index, backends
from moto.core import responses
from moto.core.base_backend import BackendDict
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    Request,
    environ_key_for_header,
    normalize_request,
    should_preserve_original_header_name,
)
from moto.core.serialize import AttributePickerContext, BaseJSONSerializer, XFormedAttributePicker
from moto.core.utils import get_equivalent_url_in_aws_domain, method_names_from_class
from werkzeug.exceptions import HTTPException

from local.moto_world.replacing import replaced

URLS_CACHED = 4096  # objects in the bucket have a URL each


@contextmanager
def fast_requests(rewrite_url: Callable[[str], str] = lambda url: url) -> Iterator[None]:
    """`rewrite_url` turns the URL of a local endpoint into the one AWS would have."""
    find = lru_cache(URLS_CACHED)(find_method)

    def process_request(self: Any, request: Any) -> Any:
        request.url = rewrite_url(request.url)
        method = find(_without_query(request.url))
        return process_as_moto_does(self, request) if method is None else _call(method, request)

    corrections: list[tuple[Any, str, Any]] = [
        (BotocoreStubber, "process_request", process_request),
        (responses, "method_names_from_class", cache(method_names_from_class)),
        (XFormedAttributePicker, "__call__", _pick(XFormedAttributePicker.__call__)),
        (BaseJSONSerializer, "_serialize_type_map", _serialize_items(BaseJSONSerializer._serialize_type_map)),
        (responses, "gen_amzn_requestid_long", _make_request_id),
        (RequestSigner, "handler", _sign_for_s3(RequestSigner.handler)),
        (UserAgentString, "to_string", lambda _self: "boto3"),
    ]
    process_as_moto_does = BotocoreStubber.process_request
    with ExitStack() as stack:
        for correction in corrections:
            stack.enter_context(replaced(*correction))
        yield


def find_method(url: str) -> Callable[..., Any] | None:
    """The function of moto's that answers a URL without query, found as BotocoreStubber finds it."""
    for service, pattern in backend_index.backend_url_patterns:
        if pattern.match(url):
            for path, method in _urls(service).items():
                if re.match(path, url):
                    return method
    return None


def _urls(service: str) -> dict[str, Callable[..., Any]]:
    found: Any = backends.get_backend(service)  # type: ignore[call-overload]
    if not isinstance(found, BackendDict):
        found = {DEFAULT_ACCOUNT_ID: found}
    regions = found[DEFAULT_ACCOUNT_ID]
    region = next(name for name in ("us-east-1", "aws", "global") if name in regions)
    urls: dict[str, Callable[..., Any]] = regions[region].urls
    return urls


def _without_query(url: str) -> str:
    parsed, _ = get_equivalent_url_in_aws_domain(url)
    return f"{parsed.scheme}://{parsed.netloc}{parsed.path}"


def _call(method: Callable[..., Any], prepared: Any) -> Any:
    request = read_request(prepared)
    try:
        return method(request, request.raw_url, request.headers)
    except HTTPException as exc:
        return exc.code, exc.get_headers(), exc.get_body()


def read_request(prepared: Any) -> Request:
    """What moto's normalize_request makes of a botocore request; JSON calls, which are all alike, by hand."""
    url = urlsplit(prepared.url)
    if not isinstance(prepared.body, bytes) or prepared.method != "POST" or url.path != "/" or url.query:
        return normalize_request(prepared)
    environ = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "REQUEST_URI": "/",
        "RAW_URI": "/",
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port or {"http": 80, "https": 443}[url.scheme]),
        "HTTP_HOST": url.netloc,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(prepared.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        PRESERVED_HEADER_NAMES_ENVIRON_KEY: {
            environ_key_for_header(name): name
            for name in prepared.headers
            if should_preserve_original_header_name(name)
        },
    }
    for name, value in prepared.headers.items():
        text = value.decode() if isinstance(value, bytes) else value
        environ[environ_key_for_header(name)] = text
    return Request(environ)


def _pick(pick_as_moto_does: Callable[..., Any]) -> Callable[..., Any]:
    picker: Any = XFormedAttributePicker()

    @cache
    def names_of(shape: Any, key: str) -> tuple[str, ...]:
        """What a dict may call the field: that depends on the service's model alone."""
        return tuple(picker.get_possible_keys(AttributePickerContext({}, key, shape)))

    def pick(self: Any, context: Any) -> Any:
        fields = context.obj
        if type(fields) is not dict or self.response_transformers:
            return pick_as_moto_does(self, context)
        name = next((name for name in names_of(context.shape, context.key) if name in fields), None)
        return None if name is None else fields[name]

    return pick


PLAIN_ATTRIBUTES = frozenset({"S", "N", "BOOL", "NULL", "SS", "NS"})


def _serialize_items(serialize_as_moto_does: Callable[..., None]) -> Callable[..., None]:
    def serialize(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.value.name == "AttributeValue" and all(_is_plain(attribute) for attribute in value.values()):
            self._default_serialize(serialized, value, shape, key)
        else:
            serialize_as_moto_does(self, serialized, value, shape, key)

    return serialize


def _is_plain(attribute: Mapping[str, Any]) -> bool:
    """Whether JSON can take the attribute as it is: binary values, and what may hold them, cannot be."""
    return type(attribute) is dict and len(attribute) == 1 and next(iter(attribute)) in PLAIN_ATTRIBUTES


def _make_request_id(headers: dict[str, Any]) -> str:
    """moto draws 52 letters one by one."""
    headers["x-amzn-requestid"] = request_id = str(uuid4())
    return request_id


def _sign_for_s3(sign: Callable[..., Any]) -> Callable[..., Any]:
    def handler(self: RequestSigner, *args: Any, **kwargs: Any) -> Any:
        # moto's S3 takes an unsigned request for a stranger's, and refuses it
        return sign(self, *args, **kwargs) if self.signing_name == "s3" else None

    return handler
