"""What self-contained pages share: assets, templates, content security policies, JSON for scripts."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib.resources import files
from typing import Any, Iterator, Mapping, Sequence

_MARK = re.compile("@@([a-z]+)@@")


def asset(package: str, name: str) -> str:
    """A file in the folder ``assets`` of a package."""
    return (files(package) / "assets" / name).read_text(encoding="utf-8")


def script_of(package: str, names: Sequence[str]) -> str:
    """Scripts of a package as one, whose names no other script of the page sees."""
    return '"use strict";(() => {\n' + "\n".join(asset(package, name) for name in names) + "\n})();"


def filled(template: str, contents: Mapping[str, bytes]) -> Iterator[bytes]:
    """The pieces of a template whose marks, ``@@name@@``, are replaced by the contents of these names.

    That is done in one pass, so that a mark inside a title is not replaced.
    """
    for position, piece in enumerate(_MARK.split(template)):
        yield contents[piece] if position % 2 else piece.encode()


def content_hash(text: str) -> str:
    """The source by which a content security policy allows one script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def content_policy(*allowed: str) -> str:
    """A content security policy that forbids all but what is allowed, escaped for an attribute.

    Parameters
    ----------
    allowed:
        Directives, such as ``img-src data:``.
    """
    directives = ("default-src 'none'", *allowed, "base-uri 'none'", "form-action 'none'")
    return html.escape("; ".join(directives))


def script_json(data: Any) -> bytes:
    """JSON that is safe inside a script element: no ``<``, and nothing that is not ASCII."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").encode("ascii")
