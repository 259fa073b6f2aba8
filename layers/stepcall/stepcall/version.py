"""The version that Stepcall tells others; a test holds it against pyproject.toml."""

VERSION = "0.1.0"
