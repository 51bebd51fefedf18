"""Attributes of spans as the type that they should have, whatever a file holds."""

from __future__ import annotations

from typing import Any, Mapping


def number(attributes: Mapping[str, Any], key: str) -> int:
    """An attribute that counts something; 0 if it is missing or not a positive integer."""
    value = attributes.get(key, 0)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
