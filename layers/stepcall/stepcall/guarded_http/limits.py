"""How long and how much."""

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one request may take, all its redirects together."""

    connect_seconds: float = 5.0
    """For one address of one hop, and again for its TLS handshake."""
    read_seconds: float = 15.0
    """How long the host may say nothing."""
    total_seconds: float = 45.0
    """From the first look-up to the last byte."""
    max_body_bytes: int = 20 * MEGABYTE
    """Of the decoded body."""
    max_redirects: int = 5
