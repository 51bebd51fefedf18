"""Normalise SQL texts: fold away literals, lists of values, white space and comments.

This is a tokenizer by SQLite's lexical rules (https://sqlite.org/lang_expr.html#literal_values_constants_,
https://sqlite.org/lang_comment.html) and not a parser, because it runs in the traced program, once for
each text.
"""

from __future__ import annotations

import hashlib
import re
from typing import Iterator, List, NamedTuple, Tuple

from nutrace.sql.by_text import once_for_each_text
from nutrace.sql.folding import KEYWORDS, Folding

LONGEST = 16_384  # characters of a statement that are looked at

_TOKEN = re.compile(
    r"""
    (?P<blank>(?:\s+|--[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/)?)+)
    |(?P<literal>[xX]?'[^']*(?:''[^']*)*(?:'|\Z)
        |\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)
        |0[xX][0-9a-fA-F]+\w*
        |(?:\d(?:_?\d)*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\w*)
    |(?P<quoted>"[^"]*(?:""[^"]*)*(?:"|\Z)|`[^`]*(?:`|\Z)|\[[^\]]*(?:\]|\Z))
    |(?P<parameter>\?\d*|[:@$#][\w$]+(?:::[\w$]+)*(?:\([^)\s]*\)?)?)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<sign>\|\||<<|>>|<=|>=|<>|==|!=|->>?|.)
    """,
    re.VERBOSE | re.DOTALL,
)
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
    """Fold away what differs between executions of one statement, and whatever may be a value.

    ``WHERE a = 5 AND b IN (1, 2)`` becomes ``WHERE a = ? AND b IN (?)``. Texts longer than
    :data:`LONGEST` are cut, and the rest counts as a literal. If a letter follows a string, or the last of
    several strings has no end, the program has put quotes around values that have quotes in them, and nobody
    knows where they begin and end: the text ends at its first string.
    """
    folding = Folding()
    is_cut = len(sql) > LONGEST
    string_ended = -1  # where the last string ends
    for match in _TOKEN.finditer(sql[:LONGEST]):
        kind, token = str(match.lastgroup), match.group()
        is_broken = match.start() == string_ended and (token[0].isalnum() or token[0] == "_")
        quote = token.lstrip("xX")[:1]
        if kind in ("literal", "quoted") and quote in ("'", '"'):
            string_ended = match.end()
            is_broken |= folding.has_string and not is_cut and token.count(quote) % 2 == 1
        if is_broken:
            folding.give_up(sql)
            break
        if kind != "blank":
            folding.take(kind, token)
    text = _join(folding.tokens)
    literals = folding.literals
    if is_cut:
        text += " …"
        literals.append(sql[LONGEST:])
    raw = text.encode("utf-8", "replace")
    return Statement(
        text,
        hashlib.blake2b(raw, digest_size=8).hexdigest(),
        folding.operation,
        "\0".join(literals).encode("utf-8", "surrogatepass"),
    )


def _join(tokens: List[str]) -> str:
    while tokens and tokens[-1] == ";":
        tokens.pop()
    parts: List[str] = []
    before = ""
    for token in tokens:
        tight = before in _NO_SPACE_AFTER or token in _NO_SPACE_BEFORE
        if token == "(" and before and before.upper() not in KEYWORDS:
            tight = before[-1].isalnum() or before[-1] in '_"`]'
        if before and not tight:
            parts.append(" ")
        parts.append(token)
        before = token
    return "".join(parts)


@once_for_each_text
def statement_of(sql: str) -> Statement:
    """:func:`normalise`, cached by the text as the program wrote it."""
    return normalise(sql)
