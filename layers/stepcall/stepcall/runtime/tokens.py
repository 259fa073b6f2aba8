"""Tokens as JWTs: signed by the newest key, verified by the two newest. Imported when a token is first seen."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

import jwt

from stepcall.aws.token_keys import SigningKey
from stepcall.domain.access import Caller
from stepcall.domain.claims import MalformedClaimsError, read_claims, write_claims
from stepcall.domain.ids import MalformedIdError, read_api_key_id
from stepcall.runtime.authentication import REFUSED, UnauthenticatedError
from stepcall.runtime.signing_keys import secrets_needed
from stepcall.use_cases.issue_token import TokenTooLongError

ALGORITHM = "HS256"
AUDIENCE = "urn:stepcall:api"
LEEWAY_SECONDS = 10.0  # by which the clocks of two processes may differ
MAX_LENGTH = 8192  # the gateway takes 10,240 bytes of request line and headers
REQUIRED = ["iss", "aud", "sub", "iat", "nbf", "exp"]


class SigningKeys(Protocol):
    def current(self) -> SigningKey:
        """What to sign with."""

    def find(self, kid: str) -> SigningKey | None:
        """What a token says it was signed with, if that still counts."""


class JwtTokens:
    """`issuer` names the deployment. `require_key` raises UnauthenticatedError where a token's API key is no more."""

    def __init__(self, keys: SigningKeys, issuer: str, require_key: Callable[[str, UUID], object]) -> None:
        self._keys = keys
        self._issuer = issuer
        self._require_key = require_key

    def sign(self, caller: Caller, issued_at: datetime, expires_at: datetime) -> str:
        """See TokenSigner. Raises TokensUnavailableError too."""
        with secrets_needed():
            key = self._keys.current()
        standard = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "iat": int(issued_at.timestamp()),
            "nbf": int(issued_at.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        token = jwt.encode({**write_claims(caller), **standard}, key.secret, ALGORITHM, headers={"kid": key.kid})
        if len(token) > MAX_LENGTH:
            raise TokenTooLongError("The key has more grants than a token can carry; send the key itself.")
        return token

    def verify(self, token: str) -> Caller:
        """See TokenVerifier. SecretNotReadableError is a fault of the deployment, and for it to mend."""
        if len(token) > MAX_LENGTH:
            raise UnauthenticatedError(REFUSED)
        try:
            caller = read_claims(self._decode(token))
            key_id = read_api_key_id(caller.key_id)
        except (jwt.PyJWTError, MalformedClaimsError, MalformedIdError, ValueError) as exc:  # ValueError: not UTF-8
            raise UnauthenticatedError(REFUSED) from exc
        self._require_key(caller.tenant, key_id)
        return caller

    def _decode(self, token: str) -> dict[str, object]:
        key = self._key_of(jwt.get_unverified_header(token))
        return jwt.decode(
            token,
            key.secret,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=self._issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": REQUIRED, "strict_aud": True, "enforce_minimum_key_length": True},
        )

    def _key_of(self, header: Mapping[str, object]) -> SigningKey:
        kid = header.get("kid")
        if header.get("alg") != ALGORITHM or not isinstance(kid, str):
            raise jwt.InvalidTokenError("This token is not of our kind.")
        with secrets_needed():
            key = self._keys.find(kid)
        if key is None:
            raise jwt.InvalidKeyError("This token was signed by no key of ours.")
        return key
