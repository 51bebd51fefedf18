"""Make HTML from text that may be hostile."""

from __future__ import annotations

import html
from typing import Union

from nutrace_exporters.labels import label

_LONGEST = 160
_LONGEST_ATTRIBUTE = 1000


class Markup(str):
    """HTML that is escaped already."""

    __slots__ = ()


Content = Union[str, Markup]


def text(content: Content) -> Markup:
    """Any text as HTML: escaped, without control characters, cut if it is very long."""
    if isinstance(content, Markup):
        return content
    return Markup(html.escape(label(content, _LONGEST)) if content else "")


def element(tag: str, *children: Content, **attributes: str) -> Markup:
    """An element; text in it and in its attributes is escaped.

    ``class_`` is class; an attribute without a value is left out.
    """
    given = "".join(
        f' {key.rstrip("_")}="{html.escape(label(value, _LONGEST_ATTRIBUTE))}"'
        for key, value in attributes.items()
        if value
    )
    return Markup(f"<{tag}{given}>{join(*children)}</{tag}>")


def join(*children: Content) -> Markup:
    """Pieces one after the other."""
    return Markup("".join(text(child) for child in children))
