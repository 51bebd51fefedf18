"""OTLP/JSON as protobuf's own parser takes it."""

from __future__ import annotations

import base64
import json
from typing import Any, Dict, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

_IDS = ("traceId", "spanId", "parentSpanId")

_Message = TypeVar("_Message", bound=Message)


def parsed(text: str, message: _Message) -> _Message:
    """Fill `message` from a JSON text, and return it: ids are given in base64, unknown fields refused."""

    def based(document: Dict[str, Any]) -> Dict[str, Any]:
        for key in _IDS:
            if key in document:
                document[key] = base64.b64encode(bytes.fromhex(document[key])).decode()
        return document

    document = json.loads(text, object_hook=based)
    return json_format.ParseDict(document, message, ignore_unknown_fields=False)
