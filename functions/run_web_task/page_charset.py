"""From the bytes of a page to its text, by the order of the WHATWG standards: byte order mark, Content-Type, <meta>.

w3lib knows the labels and what they mean on the web (`iso-8859-1` is windows-1252). A page that declares nothing, or
nothing known, is UTF-8 if it can be, else guessed. Never fails: what cannot be decoded becomes U+FFFD.
"""

from w3lib.encoding import (
    html_body_declared_encoding,
    http_content_type_encoding,
    read_bom,
    resolve_encoding,
    to_unicode,
)

# Python's codecs of the Encoding Standard. Others that Python has, such as punycode, take quadratic time on long pages.
_WINDOWS = {f"cp{number}" for number in range(1250, 1259)}
_ISO = {f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)}
_OTHER_LETTERS = {"cp866", "cp874", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic"}
_EAST_ASIAN = {"gb18030", "big5hkscs", "euc_jp", "iso2022_jp", "cp932", "cp949"}
_UNICODE = {"utf-8", "utf-16", "utf-16-le", "utf-16-be"}
_WEB_ENCODINGS = frozenset(_WINDOWS | _ISO | _OTHER_LETTERS | _EAST_ASIAN | _UNICODE)
_LAST_RESORT = "cp1252"
_SAMPLE_BEFORE = 1024
_SAMPLE_AFTER = 15 * 1024


def decode_page(body: bytes, content_type: str) -> str:
    encoding, bom = read_bom(body)
    if encoding is not None and bom is not None:
        return to_unicode(body[len(bom) :], encoding)
    declared = http_content_type_encoding(content_type)
    if declared in _WEB_ENCODINGS:
        return to_unicode(body, declared)
    written = html_body_declared_encoding(body)
    if written in _WEB_ENCODINGS:
        # A <meta> that could be read as ASCII does not stand in UTF-16, whatever it says.
        return to_unicode(body, "utf-8" if written.startswith("utf-16") else written)
    return _decode_undeclared(body)


def _decode_undeclared(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as exc:
        start = max(exc.start - _SAMPLE_BEFORE, 0)
        return to_unicode(body, _guess(body[start : exc.start + _SAMPLE_AFTER]))


def _guess(sample: bytes) -> str:
    import charset_normalizer  # noqa: PLC0415 - only few pages need it

    best = charset_normalizer.from_bytes(sample).best()
    guess = resolve_encoding(best.encoding) if best is not None else None
    return guess if guess is not None and guess in _WEB_ENCODINGS else _LAST_RESORT
