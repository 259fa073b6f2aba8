"""What all who sign and verify tokens have in common: their keys lie in Secrets Manager."""

from collections.abc import Iterator
from contextlib import contextmanager

from stepcall.aws.secrets import SecretsUnavailableError
from stepcall.runtime.authentication import TokensUnavailableError


@contextmanager
def secrets_needed() -> Iterator[None]:
    """Raises TokensUnavailableError where Secrets Manager does not answer."""
    try:
        yield
    except SecretsUnavailableError as exc:
        raise TokensUnavailableError("The keys of tokens cannot be read now.") from exc
