"""The command line of this process, without what looks like a secret.

Hidden are the values of options and variables whose names say so (``--password=x``, ``--api-key x``,
``TOKEN=x``, Hydra's ``db.password=x``) and what is between scheme and host in URLs. A program that is given
as text (``-c``) ends at its first quote, as the values of its statements may follow.
"""

from __future__ import annotations

import re
import sys
from typing import Iterable, List

HIDDEN = "***"

# What the name of a secret ends with, in words between which something other than a letter stands.
_SECRET = re.compile(
    r"(?:^|[^a-z])(?:pass|passwd|password|passphrase|passcode|pwd|secrets?|token|apikey|key|auth|authorization|"
    r"credentials?|cookie|session[-_.]?id|signature|sig|dsn)[^a-z]*$"
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # dbPassword
_ASSIGNED = re.compile(r"(?P<name>[^\s=&?;,:{\"']+)(?P<sign>[\"']?(?:=|:\s*))(?P<value>[^&;,}\s]+)")
_IN_URL = re.compile(r"(?P<scheme>\w[\w+.-]*://)[^/\s]*@")
_IN_HEADER = re.compile(r"(?i)\b(?P<kind>bearer|basic)\s+\S+")
_GIVES_PROGRAM = re.compile(r"-[a-zA-Z]*c\Z")
_QUOTE = re.compile(r"[\"'].*", re.DOTALL)


def command() -> List[str]:
    """The command line, as far as this Python knows it."""
    # sys.orig_argv exists from 3.10 on; before it, -m and -c have lost their operand.
    words = getattr(sys, "orig_argv", None) or [sys.executable or "python", *getattr(sys, "argv", [])]
    return without_secrets(str(word) for word in words)


def without_secrets(words: Iterable[str]) -> List[str]:
    """The words of a command line, with :data:`HIDDEN` in the place of what looks like a secret."""
    kept: List[str] = []
    is_value = is_program = False
    is_pythons = True  # whether the word is an option of Python's
    before = ""
    for number, word in enumerate(words):
        if is_program:
            kept.append(_QUOTE.sub(HIDDEN, word))
            is_program = is_pythons = False
            continue
        if is_value and not word.startswith("-"):
            kept.append(HIDDEN)
            is_value = False
            continue
        is_value = word.startswith("-") and "=" not in word and _is_secret(word)
        if is_pythons and number:
            is_program = _GIVES_PROGRAM.match(word) is not None
            is_pythons = word.startswith("-") or before in ("-W", "-X")
        before = word
        kept.append(_masked(word))
    return kept


def _masked(word: str) -> str:
    word = _IN_URL.sub(rf"\g<scheme>{HIDDEN}@", word)
    word = _IN_HEADER.sub(lambda match: f"{match['kind']} {HIDDEN}", word)
    name, sign, value = word.partition("=")
    if sign and not any(map(str.isspace, name)):
        return f"{name}={HIDDEN if _is_secret(name) else _ASSIGNED.sub(_assigned, value)}"
    return _ASSIGNED.sub(_assigned, word)


def _assigned(match: re.Match[str]) -> str:
    value = HIDDEN if _is_secret(match["name"]) else match["value"]
    return f"{match['name']}{match['sign']}{value}"


def _is_secret(name: str) -> bool:
    return bool(_SECRET.search(_HUMP.sub("_", name).lower()))
