"""Normalise SQL texts: fold away literals, lists of values, white space and comments.

This is a tokenizer by SQLite's lexical rules (https://sqlite.org/lang_expr.html#literal_values_constants_,
https://sqlite.org/lang_comment.html) and not a parser, because it runs in the traced program, once for
each text.
"""

from __future__ import annotations

import hashlib
import re
from typing import Dict, Iterator, List, NamedTuple, Tuple

LONGEST = 16_384  # characters of a statement that are looked at
_MOST = 2_000  # texts in the cache
_LONGEST_CACHED = 65_536  # characters of a text in the cache

_TOKEN = re.compile(
    r"""
    (?P<blank>(?:\s+|--[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/)?)+)
    |(?P<literal>[xX]?'[^']*(?:''[^']*)*(?:'|\Z)
        |0[xX][0-9a-fA-F]+
        |(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<quoted>"[^"]*(?:""[^"]*)*(?:"|\Z)|`[^`]*(?:`|\Z)|\[[^\]]*(?:\]|\Z))
    |(?P<parameter>\?\d*|[:@$#][\w$]+(?:::[\w$]+)*)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<sign>\|\||<<|>>|<=|>=|<>|==|!=|->>?|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMPARING = frozenset({"=", "==", "!=", "<>", "<", ">", "<=", ">=", "LIKE", "GLOB", "REGEXP", "MATCH", "IS"})
# After these a minus belongs to the number, and a parenthesis opens no call.
_KEYWORDS = frozenset(
    (
        *("ALL", "AND", "AS", "BETWEEN", "BY", "CASE", "CHECK", "DEFAULT", "ELSE", "EXCEPT", "EXISTS"),
        *("FROM", "GLOB", "HAVING", "IN", "INTERSECT", "INTO", "IS", "JOIN", "LIKE", "LIMIT", "MATCH"),
        *("NOT", "OFFSET", "ON", "OR", "OVER", "REGEXP", "RETURNING", "SELECT", "SET", "THEN", "UNION"),
        *("USING", "VALUES", "WHEN", "WHERE"),
    )
)
_VERBS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE"})
_NO_SPACE_AFTER = frozenset({"(", "."})
_NO_SPACE_BEFORE = frozenset({")", ",", ".", ";"})


class Statement(NamedTuple):
    """A statement's text, normalised."""

    text: str  # normalised
    digest: str  # of the normalised text, 16 hex digits, the same in every run
    operation: str  # SELECT, INSERT, ...
    literals: bytes  # what was folded away; executions differ by these and their parameters


def tokens(sql: str) -> Iterator[Tuple[str, str, int]]:
    """The tokens of a statement: kind (a group of the pattern above), text, and where it begins."""
    for match in _TOKEN.finditer(sql):
        if match.lastgroup != "blank":
            yield str(match.lastgroup), match.group(), match.start()


def normalise(sql: str) -> Statement:
    """Fold away what differs between executions of one statement.

    ``WHERE a = 5 AND b IN (1, 2)`` becomes ``WHERE a = ? AND b IN (?)``. Texts longer than
    :data:`LONGEST` are cut, and the rest counts as a literal. SQLite takes a string in double quotes for
    text where no column has that name; here it is a literal if it is compared with something.
    """
    folding = _Folding()
    for match in _TOKEN.finditer(sql[:LONGEST]):
        if match.lastgroup != "blank":
            folding.take(str(match.lastgroup), match.group())
    text = _join(folding.tokens)
    literals = folding.literals
    if len(sql) > LONGEST:
        text += " …"
        literals.append(sql[LONGEST:])
    raw = text.encode("utf-8", "replace")
    return Statement(
        text,
        hashlib.blake2b(raw, digest_size=8).hexdigest(),
        folding.operation,
        "\0".join(literals).encode("utf-8", "surrogatepass"),
    )


class _Folding:
    def __init__(self) -> None:
        self.tokens: List[str] = []
        self.literals: List[str] = []
        self.operation = ""
        self._depth = 0
        self._lists: List[int] = []  # where each open parenthesis began, -1 if it is no list of values
        self._rows = -1  # after VALUES: where the first row began, -1 elsewhere
        self._row_end = -1
        self._ordinal = False  # ORDER BY 1, 2: columns, not values

    def take(self, kind: str, token: str) -> None:
        tokens = self.tokens
        before = tokens[-1].upper() if tokens else ""
        if kind == "quoted" and token[0] == '"' and self._is_text(before):
            kind = "literal"
        if kind == "literal":
            if self._ordinal or (before == "BY" and token.isdigit()):
                self._ordinal = True
                tokens.append(token)
                return
            if before in ("-", "+") and self._is_signed():
                token = tokens.pop() + token
            self.literals.append(token)
            tokens.append("?")
            return
        if token == "." and tokens and tokens[-1] == "?" and self.literals and self.literals[-1][:1] == '"':
            tokens[-1] = self.literals.pop()  # it was the quoted name of a table
        if kind == "word":
            self._word(token.upper())
        elif token == "(":
            self._open(before)
        elif token == ")":
            tokens.append(token)
            self._close()
            return
        if token != ",":
            self._ordinal = False
        tokens.append(token)

    def _word(self, word: str) -> None:
        if not self.operation or (self.operation == "WITH" and not self._depth and word in _VERBS):
            self.operation = word
        if word == "VALUES":
            self._rows = self._row_end = -1

    def _is_text(self, before: str) -> bool:
        return before in _COMPARING or (before in ("(", ",") and bool(self._lists) and self._lists[-1] >= 0)

    def _is_signed(self) -> bool:
        if len(self.tokens) < 2:
            return True
        earlier = self.tokens[-2].upper()
        return earlier in _KEYWORDS or earlier in _COMPARING or earlier in ("(", ",")

    def _open(self, before: str) -> None:
        self._depth += 1
        after_row = before == "," and self._row_end == len(self.tokens) - 1
        is_list = before in ("IN", "VALUES") or after_row
        if before == "VALUES":
            self._rows = len(self.tokens)
        self._lists.append(len(self.tokens) if is_list else -1)

    def _close(self) -> None:
        self._depth -= 1
        began = self._lists.pop() if self._lists else -1
        tokens = self.tokens
        if began < 0:
            return
        before = tokens[began - 1].upper() if began else ""
        if before == "IN":
            values = tokens[began + 1 : -1]
            if values and all(value == "," or value[0] in "?:@$#" for value in values):
                self.literals.append(str(len(values)))
                tokens[began + 1 :] = ["?", ")"]
        elif began == self._rows:
            self._row_end = len(tokens)
        elif tokens[self._rows : self._row_end] == tokens[began:]:
            del tokens[self._row_end :]  # another row like the first
            self.literals.append("row")


def _join(tokens: List[str]) -> str:
    while tokens and tokens[-1] == ";":
        tokens.pop()
    parts: List[str] = []
    before = ""
    for token in tokens:
        tight = before in _NO_SPACE_AFTER or token in _NO_SPACE_BEFORE
        if token == "(" and before and before.upper() not in _KEYWORDS:
            tight = before[-1].isalnum() or before[-1] in '_"`]'
        if before and not tight:
            parts.append(" ")
        parts.append(token)
        before = token
    return "".join(parts)


_known: Dict[str, Statement] = {}


def statement_of(sql: str) -> Statement:
    """:func:`normalise`, cached by the text as the program wrote it."""
    statement = _known.get(sql)
    if statement is None:
        statement = normalise(sql)
        if len(sql) <= _LONGEST_CACHED:
            if len(_known) >= _MOST:
                _known.clear()
            _known[sql] = statement
    return statement
