"""The secret that callers' keys are encrypted with, as its versions stand in Secrets Manager."""

from stepcall.aws.token_keys import SigningKey


class FixedSecret:
    """`versions`: text by id, the newest first."""

    def __init__(self, **versions: str) -> None:
        self.versions = versions or {"v1": "a" * 64}

    def current(self) -> SigningKey:
        return SigningKey(*next(iter(self.versions.items())))

    def find(self, kid: str) -> SigningKey | None:
        return SigningKey(kid, self.versions[kid]) if kid in self.versions else None
