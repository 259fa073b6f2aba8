"""Text → tokens → tree, in bounded time whatever the text: sqlglot tries again where it cannot go on, nest by nest."""

import logging
import re
from collections.abc import Sequence
from itertools import islice, pairwise

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.parsers.bigquery import BigQueryParser
from sqlglot.tokenizer_core import Token, TokenType

from stepcall.sql.faults import SqlCode, SqlError
from stepcall.sql.source_text import SourceText

MAX_LENGTH = 65_536
MAX_TOKENS = 20_000
MAX_NESTING = 30
"""Of brackets and CASE: sqlglot needs some 25 of Python's 1,000 frames for each."""
MAX_SELECTS = 100
MAX_JOINS = 100
MAX_STEPS_PER_TOKEN = 8
MORE_STEPS = 300
"""An ordinary query takes one or two per token; a few STRUCTs in each other take more."""
DIALECT = BigQuery()

_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
_BEFORE_NAME = {TokenType.DOT, TokenType.PARAMETER}
_NEEDING = {
    TokenType.GROUP_BY,
    TokenType.ORDER_BY,
    TokenType.PARTITION_BY,
    TokenType.ON,
    TokenType.USING,
    TokenType.IN,
    TokenType.EXISTS,
    TokenType.ALIAS,
    TokenType.WINDOW,
}
"""Words that sqlglot takes with nothing after them."""
_ENDING = {
    TokenType.R_PAREN,
    TokenType.WHERE,
    TokenType.GROUP_BY,
    TokenType.HAVING,
    TokenType.QUALIFY,
    TokenType.WINDOW,
    TokenType.ORDER_BY,
    TokenType.LIMIT,
    TokenType.UNION,
    TokenType.INTERSECT,
}
"""What begins something else."""
_LEXEME = re.compile(
    r"""
      --[^\n]*+ | \#[^\n]*+ | /\*(?:[^*]++|\*(?!/))*+\*/
    | '{3}(?:\\.|[^'\\]|'(?!''))*+'{3} | \"{3}(?:\\.|[^"\\]|"(?!""))*+"{3}
    | '(?!'')(?:\\.|[^'\\])*+' | "(?!"")(?:\\.|[^"\\])*+" | `(?:\\.|[^`\\])*+`
    | /(?!\*) | -(?!-) | [^-/\#'"`]++
    """,
    re.DOTALL | re.VERBOSE,
)
"""What BigQuery's text, names and comments look like when they are closed, and what lies between them."""
_SPELLABLE = re.compile(r"[A-Za-z_]\w{0,63}|[^\w\s'\"`]{1,3}", re.ASCII)

# what sqlglot says in passing would put people's SQL into our logs
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)


class _TooMuchWorkError(Exception):
    """Reading the query takes too long."""


class _BoundedParser(BigQueryParser):
    """Gives up after so many steps."""

    steps_left = 0

    def _advance(self, times: int = 1) -> None:
        self.steps_left -= 1
        if self.steps_left < 0:
            raise _TooMuchWorkError
        super()._advance(times)

    def _parse_placeholder(self) -> exp.Expr | None:
        """And says where it stands, which sqlglot leaves out."""
        first = self._curr
        found = super()._parse_placeholder()
        if found is not None:
            found.meta.update(start=first.start, end=self._prev.end)
        return found


def read_tree(source: SourceText) -> exp.Query:
    """The tree of one SELECT, WITH or set operation. Raises SqlError."""
    tokens = _read_tokens(source)
    _require_one_select(tokens, source)
    _require_bounds(tokens, source)
    _require_whole_clauses(tokens, source)
    parser = _BoundedParser(dialect=DIALECT)
    parser.steps_left = MORE_STEPS + MAX_STEPS_PER_TOKEN * len(tokens)
    try:
        [tree] = parser.parse(tokens, source.text)
    except ParseError as exc:
        raise _syntax_error(exc, source) from exc
    except (_TooMuchWorkError, RecursionError) as exc:
        raise source.fault("The query nests too deep; split it into several.", 0) from exc
    except (SqlglotError, ValueError, TypeError, AttributeError, IndexError, KeyError) as exc:
        # sqlglot builds some functions without looking at how many arguments they have
        raise source.fault("The query is not understood: an argument of a function is missing or wrong.", 0) from exc
    if not isinstance(tree, exp.Query):
        raise source.fault("Only a SELECT can be run.", tokens[0].start, SqlCode.NOT_SELECT)
    _require_few_joins(tree, source)
    return tree


def _read_tokens(source: SourceText) -> list[Token]:
    if len(source.text) > MAX_LENGTH:
        raise source.fault(f"A query has at most {MAX_LENGTH} characters.", 0)
    if "\0" in source.text:
        raise source.fault("A query cannot hold the character NUL.", source.text.index("\0"))
    try:
        tokens = DIALECT.tokenize(source.text)
    except TokenError as exc:
        raise _token_error(source) from exc
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens.pop()
    if not tokens:
        raise source.fault("The query is empty.", 0)
    if len(tokens) > MAX_TOKENS:
        raise source.fault(f"A query has at most {MAX_TOKENS} words and signs.", tokens[MAX_TOKENS].start)
    return list(tokens)


def _require_one_select(tokens: Sequence[Token], source: SourceText) -> None:
    first = next((token for token in tokens if token.token_type is not TokenType.L_PAREN), tokens[0])
    if first.token_type not in {TokenType.SELECT, TokenType.WITH}:
        message = f"Only a SELECT can be run, and this begins with {_spell(first.text)}."
        raise source.fault(message, first.start, SqlCode.NOT_SELECT)
    for before, token in pairwise(tokens):
        if before.token_type is TokenType.SEMICOLON:
            message = "A query is one statement, and this begins a second one."
            raise source.fault(message, token.start, SqlCode.NOT_SELECT)
        if token.token_type is TokenType.PIPE_GT:
            raise source.fault("Pipe syntax is not supported; write a subquery.", token.start)


def _require_bounds(tokens: Sequence[Token], source: SourceText) -> None:
    depth = selects = 0
    for token in tokens:
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        selects += token.token_type is TokenType.SELECT
        if depth > MAX_NESTING:
            raise source.fault(f"A query nests at most {MAX_NESTING} deep; split it into several.", token.start)
        if selects > MAX_SELECTS:
            raise source.fault(f"A query has at most {MAX_SELECTS} SELECTs; split it into several.", token.start)


def _require_whole_clauses(tokens: Sequence[Token], source: SourceText) -> None:
    """Whether something follows each word that needs it. After `.` and `@` such a word is a name."""
    for before, token, following in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        is_name = before is not None and before.token_type in _BEFORE_NAME
        if token.token_type in _NEEDING and not is_name and (not following or following.token_type in _ENDING):
            word = " ".join(token.text.upper().split())
            raise source.fault(f"Syntax error: nothing follows `{word}`", token.start)


def _require_few_joins(tree: exp.Query, source: SourceText) -> None:
    joins = [*islice(tree.find_all(exp.Join, bfs=False), MAX_JOINS + 1)]
    if len(joins) > MAX_JOINS:
        raise source.fault_of(joins[-1], f"A query joins at most {MAX_JOINS} tables; split it into several.")


def _syntax_error(error: ParseError, source: SourceText) -> SqlError:
    fault = error.errors[0] if error.errors else {}
    found, line, end = str(fault.get("highlight") or ""), int(fault.get("line") or 1), int(fault.get("col") or 1)
    lines = source.text.split("\n")
    is_at_end = not fault.get("end_context") and str(fault.get("description", "")).startswith(("Expecting", "Required"))
    what = "the query ends too early" if is_at_end and line == len(lines) else f"unexpected {_spell(found)}"
    return SqlError(f"Syntax error: {what}.", line, max(1, end - len(found) + 1))


def _token_error(source: SourceText) -> SqlError:
    """sqlglot does not say where: at what opens and is not closed."""
    position = 0
    while position < len(source.text):
        found = _LEXEME.match(source.text, position)
        if found is None:
            return source.fault("Syntax error: text, a name or a comment is not closed", position)
        position = found.end()
    return source.fault("Syntax error: an escape or a number is not understood", 0)


def _spell(text: str) -> str:
    """A word or sign of the language; never somebody's value."""
    return f"`{text}`" if _SPELLABLE.fullmatch(text) else "text"
