"""Which tokens of a statement may be values: they are folded away, so that no value is written.

SQLite takes a name in double quotes for text where no column has that name
(https://sqlite.org/quirks.html#dblquote). Here it is a name only where SQLite would not take it for text, or
where a column is named most often: on the left of a comparison with a value.
"""

from __future__ import annotations

from typing import List

COMPARING = frozenset({"=", "==", "!=", "<>", "<", ">", "<=", ">=", "LIKE", "GLOB", "REGEXP", "MATCH", "IS"})
# After these a minus belongs to the number, and a parenthesis opens no call.
KEYWORDS = frozenset(
    (
        *("ALL", "AND", "AS", "BETWEEN", "BY", "CASE", "CHECK", "DEFAULT", "ELSE", "EXCEPT", "EXISTS"),
        *("FROM", "GLOB", "HAVING", "IN", "INTERSECT", "INTO", "IS", "JOIN", "LIKE", "LIMIT", "MATCH"),
        *("NOT", "OFFSET", "ON", "OR", "OVER", "REGEXP", "RETURNING", "SELECT", "SET", "THEN", "UNION"),
        *("USING", "VALUES", "WHEN", "WHERE"),
    )
)
_VERBS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE"})
_DEFINING = frozenset({"CREATE", "ALTER", "DROP", "REINDEX", "ANALYZE", "SAVEPOINT", "RELEASE", "DETACH"})
#: A name follows these, and none of the other words that begin a part of a statement.
_NAMING = frozenset({"FROM", "JOIN", "INTO", "UPDATE", "BY", "AS", "COLLATE", "WITH", "RECURSIVE", "TO"})
_CLAUSES = frozenset(
    {"FROM", "INTO", "BY", "SELECT", "WHERE", "ON", "SET", "VALUES", "HAVING", "LIMIT", "OVER"}
)
_NAMES = "names"  # the clause within a list of columns
_LISTING = frozenset({"USING", "CONFLICT"})
_CONSTANTS = frozenset({"NULL", "TRUE", "FALSE"})
_LEFT = COMPARING | {"IN", "BETWEEN", "NOT", "ISNULL", "NOTNULL"}  # of these stands a column
#: The PRAGMAs whose value is a table, or one of SQLite's own words.
_PLAIN_PRAGMAS = frozenset(
    (
        *("TABLE_INFO", "TABLE_XINFO", "TABLE_LIST", "INDEX_INFO", "INDEX_XINFO", "INDEX_LIST"),
        *("FOREIGN_KEY_LIST", "FOREIGN_KEY_CHECK", "FOREIGN_KEYS", "DEFER_FOREIGN_KEYS", "JOURNAL_MODE"),
        *("SYNCHRONOUS", "TEMP_STORE", "LOCKING_MODE", "ENCODING", "AUTO_VACUUM", "WAL_CHECKPOINT"),
        *("INTEGRITY_CHECK", "QUICK_CHECK", "SECURE_DELETE", "READ_UNCOMMITTED", "RECURSIVE_TRIGGERS"),
        *("CASE_SENSITIVE_LIKE", "AUTOMATIC_INDEX", "QUERY_ONLY", "CELL_SIZE_CHECK", "CHECKPOINT_FULLFSYNC"),
        *("FULLFSYNC", "IGNORE_CHECK_CONSTRAINTS", "TRUSTED_SCHEMA", "WRITABLE_SCHEMA", "LEGACY_ALTER_TABLE"),
    )
)
_LONGEST_ORDINAL = 4  # digits of a column's number


def _is_closed(quoted: str) -> bool:
    return quoted[-1] == "]" if quoted[0] == "[" else quoted.count(quoted[0]) % 2 == 0


class Folding:
    """Takes a statement's tokens one after the other, and keeps those that are no values."""

    def __init__(self) -> None:
        self.tokens: List[str] = []
        self.literals: List[str] = []
        self.operation = ""
        self._depth = 0
        self._lists: List[int] = []  # where each open parenthesis began, -1 if it is no list of values
        self._rows = -1  # after VALUES: where the first row began, -1 elsewhere
        self._row_end = -1
        self._ordinal = False  # ORDER BY 1, 2: columns, not values
        self._clauses = [""]  # the part of the statement that is read, for each open parenthesis
        self._first_string = -1  # where the first string was
        self._left = -1  # where a name in double quotes stands that is compared with what comes next

    def take(self, kind: str, token: str) -> None:
        """The next token; `kind` is its group in the pattern of tokens."""
        tokens = self.tokens
        before = tokens[-1].upper() if tokens else ""
        if kind == "parameter" and "(" in token:
            token = self._without_suffix(token)
        if kind in ("word", "quoted") and self._is_value(kind, token, before):
            kind = "literal"
        if kind == "literal":
            self._fold(token, before)
            return
        self._settle_left(kind, token)
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

    def give_up(self, sql: str) -> None:
        """The rest of a statement is values and text that nobody can tell apart; so is its first string."""
        if self._first_string >= 0:
            del self.tokens[self._first_string :]
        self.tokens.append("…")
        self.literals = [sql]

    @property
    def has_string(self) -> bool:
        """Whether a string was taken."""
        return self._first_string >= 0

    def _fold(self, token: str, before: str) -> None:
        tokens = self.tokens
        if token.isdigit() and len(token) <= _LONGEST_ORDINAL and (self._ordinal or before == "BY"):
            self._ordinal = True
            tokens.append(token)
            return
        if before in ("-", "+") and self._is_signed():
            token = tokens.pop() + token
        if self._first_string < 0 and ("'" in token or '"' in token):
            self._first_string = len(tokens)
        self.literals.append(token)
        tokens.append("?")

    def _without_suffix(self, token: str) -> str:
        """A parameter in Tcl's way, ``$name(what)``, without what is in its parentheses."""
        name, _, suffix = token.partition("(")
        if suffix != "?)":
            self.literals.append(suffix)
        return f"{name}(?)"

    def _is_value(self, kind: str, token: str, before: str) -> bool:
        """Whether what looks like a name may be a value."""
        if kind == "quoted" and not _is_closed(token):
            return True
        return self._is_setting(token, before) or (token[0] == '"' and not self._is_name(before))

    def _is_setting(self, token: str, before: str) -> bool:
        """Whether a name is the value of a PRAGMA such as ``key``, or of ATTACH."""
        if self.operation == "PRAGMA":
            parts = self.tokens[1:-1]
            return before in ("=", "(") and not (parts and parts[-1].upper() in _PLAIN_PRAGMAS)
        if self.operation == "ATTACH":
            return before != "AS" and token.upper() not in ("DATABASE", "AS", "KEY")
        return self.operation == "VACUUM" and token.upper() != "INTO" and before != "VACUUM"

    def _is_name(self, before: str) -> bool:
        """Whether a name in double quotes cannot be text."""
        if before == ".":
            return True
        if self.operation in _DEFINING:
            return not (before in COMPARING or before == "DEFAULT" or self._is_in_list(before))
        if self.operation == "PRAGMA":
            return True  # see `_is_setting`
        return before in _NAMING or (self._clauses[-1] in ("FROM", "BY", _NAMES) and before in (",", "("))

    def _is_in_list(self, before: str) -> bool:
        return before in ("(", ",") and bool(self._lists) and self._lists[-1] >= 0

    def _settle_left(self, kind: str, token: str) -> None:
        """Decide about a name in double quotes that was folded, by what follows it."""
        tokens = self.tokens
        is_folded = bool(tokens) and tokens[-1] == "?" and bool(self.literals) and self.literals[-1][0] == '"'
        if is_folded and (token == "." or (token.upper() in _LEFT and not self._is_right())):
            tokens[-1] = self.literals.pop()
            self._left = len(tokens) - 1 if token != "." else -1
        elif self._left == len(tokens) - 2 and self._left >= 0 and kind in ("word", "quoted"):
            is_column = token.upper() not in KEYWORDS and token.upper() not in _CONSTANTS
            if is_column and tokens[-1].upper() in COMPARING and self._clauses[-1] not in ("SET", "ON"):
                self.literals.append(tokens[self._left])  # compared with a column, so it is a value
                tokens[self._left] = "?"
            self._left = -1

    def _is_right(self) -> bool:
        """Whether the last token stands behind a comparison."""
        return len(self.tokens) > 1 and self.tokens[-2].upper() in COMPARING

    def _word(self, word: str) -> None:
        if not self.operation or (self.operation == "WITH" and not self._depth and word in _VERBS):
            self.operation = word
        if word == "VALUES":
            self._rows = self._row_end = -1
        if word in _CLAUSES:
            self._clauses[-1] = word
        elif word == "JOIN":
            self._clauses[-1] = "FROM"

    def _is_signed(self) -> bool:
        if len(self.tokens) < 2:
            return True
        earlier = self.tokens[-2].upper()
        return earlier in KEYWORDS or earlier in COMPARING or earlier in ("(", ",")

    def _open(self, before: str) -> None:
        self._depth += 1
        after_row = before == "," and self._row_end == len(self.tokens) - 1
        is_list = before in ("IN", "VALUES") or after_row
        if before == "VALUES":
            self._rows = len(self.tokens)
        self._lists.append(len(self.tokens) if is_list else -1)
        clause = self._clauses[-1]
        is_names = before in _LISTING or (clause == "INTO" and before != "INTO")
        self._clauses.append(_NAMES if is_names else "FROM" if before in ("FROM", "JOIN") else "")

    def _close(self) -> None:
        self._depth -= 1
        if len(self._clauses) > 1:
            self._clauses.pop()
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
