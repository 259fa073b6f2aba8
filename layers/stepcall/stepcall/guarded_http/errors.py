"""Why a request was not made or not finished. Every message is for the person who wrote the URL."""

from stepcall.domain.errors import StepcallError


class GuardedHttpError(StepcallError):
    """Base of every error of the guarded client."""


class InvalidRequestError(GuardedHttpError):
    """The URL or a header cannot be sent as it is written."""


class ForbiddenTargetError(GuardedHttpError):
    """The URL leads where Stepcall does not go: an address that is not public, or from https back to http."""


class TooManyRedirectsError(GuardedHttpError):
    """The chain of redirects is longer than the limit."""


class BodyTooLargeError(GuardedHttpError):
    """The decoded body is longer than the limit."""


class HttpTimeoutError(GuardedHttpError):
    """The host took too long, by one of the limits."""


class HostNotFoundError(GuardedHttpError):
    """The name has no address."""


class ConnectionFailedError(GuardedHttpError):
    """The name could not be looked up now, or the connection was refused or lost."""


class UntrustedCertificateError(GuardedHttpError):
    """The host's certificate is not valid for its name."""


class InvalidResponseError(GuardedHttpError):
    """What came back is not HTTP, or its body cannot be decoded."""
