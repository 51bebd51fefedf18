"""Write documents to files in the ways in which programs write traces, and damage some of them."""

from __future__ import annotations

import gzip
import json
from random import Random
from typing import Any, Tuple


def written(document: Any, random: Random) -> Tuple[str, bytes]:
    """A file's name and bytes: one of the ways in which programs write traces, some of them damaged."""
    way = random.random()
    entries = document.get("resourceSpans") if isinstance(document, dict) else None
    if way < 0.15 and isinstance(entries, list):
        between = random.choice(("\n", "\r\n", "", "\n\n", " "))
        text = between.join(json.dumps({"resourceSpans": [entry]}) for entry in entries) + between
    elif way < 0.25:
        text = json.dumps(document, indent=2)
    elif way < 0.3:
        text = json.dumps([document, document])
    elif way < 0.35:
        text = json.dumps({"trace": document})
    else:
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=random.random() < 0.5) + "\n"
    data = text.encode("utf-8", "surrogatepass")
    name = random.choice(
        ("run.json", "run.json", "run.json", "run.jsonl", "run.json.partial", "odd name\n.json")
    )
    damage = random.random()
    if damage < 0.1:
        data = damaged(data, random)
    elif damage < 0.15:
        data = data[: random.randint(1, len(data))]
    elif damage < 0.17:
        data = b"\xef\xbb\xbf" + data
    if random.random() < 0.07:
        name += ".gz"
        data = gzip.compress(data, 1)
        if random.random() < 0.3:
            data = damaged(data, random)
    return name, data


def damaged(data: bytes, random: Random) -> bytes:
    """Bytes of which a few are changed, left out, repeated or swapped."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 5, 50))):
        if not changed:
            break
        at = random.randrange(len(changed))
        what = random.random()
        if what < 0.5:
            changed[at] = random.randrange(256)
        elif what < 0.7:
            del changed[at : at + random.choice((1, 4, 100))]
        elif what < 0.9:
            changed[at:at] = changed[at : at + random.choice((1, 8, 500))]
        else:
            changed[at : at + 4] = random.choice((b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\x80", b"(\xff"))
    return bytes(changed)
