"""What self-contained pages share: templates, hashes for their content security policy, JSON for scripts."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any, Iterator, Mapping

_MARK = re.compile("@@([a-z]+)@@")


def filled(template: str, contents: Mapping[str, bytes]) -> Iterator[bytes]:
    """The pieces of a template whose marks, ``@@name@@``, are replaced by the contents of these names.

    That is done in one pass, so that a mark inside a title is not replaced.
    """
    for position, piece in enumerate(_MARK.split(template)):
        yield contents[piece] if position % 2 else piece.encode()


def content_hash(text: str) -> str:
    """The source by which a content security policy allows one script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def script_json(data: Any) -> bytes:
    """JSON that is safe inside a script element: no ``<``, and nothing that is not ASCII."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").encode("ascii")
