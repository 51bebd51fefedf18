"""Attributes of spans as the type that they should have, whatever a file holds."""

from __future__ import annotations

from typing import Any, Mapping

from nutrace.trace.bounds import text as text_or_nothing
from nutrace.trace.bounds import whole


def number(attributes: Mapping[str, Any], key: str) -> int:
    """An attribute that counts something; 0 if it is missing, not a positive integer or out of bounds."""
    return max(whole(attributes.get(key)), 0)


def text(attributes: Mapping[str, Any], *keys: str) -> str:
    """The first of some attributes that is a text, and not an empty one; "" if none is."""
    return next(filter(None, (text_or_nothing(attributes.get(key)) for key in keys)), "")
