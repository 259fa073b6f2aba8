"""The secrets that Http.Request may send: a deployer's, each to the hosts that it names itself.

A secret is JSON: `{"value": "…", "hosts": "api.example.com,api.example.net:8443"}`, as the console's table of keys and
values makes it. Without hosts, whoever may define a workflow could have it sent to a server of their own.
"""

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import TypeVar

from stepcall.aws.secrets import SecretNotReadableError, SecretsReader, SecretsUnavailableError
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError, shorten
from stepcall.domain.json_text import MalformedJsonError, read_json, write_json
from stepcall.guarded_http.errors import InvalidRequestError
from stepcall.guarded_http.targets import Target, parse_host_list

_ReadT = TypeVar("_ReadT")
FORM = 'It must be JSON with two texts: {"value": "…", "hosts": "api.example.com,…"}.'


class HttpSecrets:
    """By name. `make_reader` is called when the first one is asked for; `private_hosts` need no TLS."""

    def __init__(
        self, arns: Mapping[str, str], private_hosts: Collection[str], make_reader: Callable[[], SecretsReader]
    ) -> None:
        self._arns = arns
        self._private_hosts = private_hosts
        self._make_reader = make_reader

    def value_for(self, name: str, target: Target) -> str:
        """The secret, for a request there and nowhere else. Raises PermanentTaskError and RetryableTaskError."""
        if name not in self._arns:
            raise _denied(
                f"There is no secret `{shorten(name)}` for requests; an operator can add it to HttpSecretArns."
            )
        value, hosts = read_json(self._read(name, lambda reader, arn: reader.get(arn)))
        if not target.is_among(parse_host_list(hosts)):
            raise _denied(
                f"The secret `{shorten(name)}` may not be sent to {shorten(target.host_header)}; an operator can add "
                "the host to the secret's `hosts`."
            )
        if target.scheme != "https" and not target.is_among(self._private_hosts):
            raise _denied(f"The secret `{shorten(name)}` is sent by https only, and the URL begins with http.")
        return str(value)

    def has_changed(self, name: str) -> bool:
        """Whether Secrets Manager has another value by now than the one that was sent: secrets rotate."""
        changed = self._read(name, lambda reader, arn: reader.get_changed(arn, reader.get(arn)))
        return changed is not None

    def _read(self, name: str, read: Callable[[SecretsReader, str], _ReadT]) -> _ReadT:
        try:
            return read(self._reader, self._arns[name])
        except SecretNotReadableError as exc:
            message = f"The secret `{shorten(name)}` cannot be read; an operator can mend it. {exc}"
            raise _denied(message) from exc
        except SecretsUnavailableError as exc:
            message = f"The secret `{shorten(name)}` cannot be read now. {exc}"
            raise RetryableTaskError(ErrorReason.BACKEND_ERROR, message) from exc

    @cached_property
    def _reader(self) -> SecretsReader:
        return self._make_reader()


def open_secret(text: str) -> str:
    """Value and hosts, checked, as a JSON array. Raises SecretNotReadableError, which does not show it."""
    try:
        fields = read_json(text)
    except MalformedJsonError:
        fields = None  # the error could quote the secret
    value, hosts = (fields.get("value"), fields.get("hosts")) if isinstance(fields, dict) else (None, None)
    if not isinstance(value, str) or not isinstance(hosts, str):
        raise SecretNotReadableError(FORM)
    if not value or not (value.isascii() and value.isprintable()):
        raise SecretNotReadableError("Its `value` must be printable ASCII, which is what headers carry.")
    _check_hosts(hosts)
    return write_json([value, hosts])


def _check_hosts(hosts: str) -> None:
    try:
        is_named = bool(parse_host_list(hosts))
    except InvalidRequestError:
        is_named = False
    if not is_named:
        raise SecretNotReadableError("Its `hosts` must be hosts, or host:port, separated by commas.")


def _denied(message: str) -> PermanentTaskError:
    return PermanentTaskError(ErrorReason.ACCESS_DENIED, message)
