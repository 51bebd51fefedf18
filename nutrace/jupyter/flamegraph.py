"""The interactive flamegraph in a notebook: the html exporter's page, in a frame of its own."""

from __future__ import annotations

import base64
import html
from collections import Counter
from dataclasses import dataclass
from io import BytesIO
from typing import Optional, Union

from nutrace.errors import UsageError
from nutrace.jupyter.figures import duration, percent
from nutrace.trace import Trace, select
from nutrace.trace.views import Steps
from nutrace_exporters.labels import label
from nutrace_exporters.runfacts import title_of

# The page is light or dark as its surroundings prefer, which an iframe learns from its color-scheme.
# JupyterLab and VS Code have themes of their own, whatever the system prefers.
_STYLE = (
    ".nutrace-picture{display:none}"
    ".nutrace-flamegraph{width:100%;border:1px solid rgb(128 128 128 / 35%);border-radius:8px;display:block}"
    '[data-jp-theme-light="true"] .nutrace-flamegraph,.vscode-light .nutrace-flamegraph{color-scheme:light}'
    '[data-jp-theme-light="false"] .nutrace-flamegraph,.vscode-dark .nutrace-flamegraph{color-scheme:dark}'
)
#: Of a larger picture of a deep trace, notebooks would become heavy.
_LARGEST_PICTURE = 400_000
_PICTURE_PX = 1000
_MOST_WORDS = 8  # components
_STATIC = "The interactive flamegraph is shown where this notebook is trusted."


@dataclass(frozen=True)
class Flamegraph:
    """A flamegraph for a notebook.

    Code hosts, and notebooks that are not trusted, strip frames and styles: what is left then is the picture.

    >>> drawn = trace.find("planner.compute").flamegraph()
    >>> drawn
    <Flamegraph of Trace 'run.json', planner.compute: 43 spans, 0 steps>
    >>> drawn.page[:15], drawn.picture[:5]
    ('<!DOCTYPE html>', b'<svg ')

    Attributes
    ----------
    of:
        Names the trace.
    height:
        Of the frame, in CSS pixels.
    page:
        The whole HTML document.
    picture:
        The same as svg, not interactive; empty if it would be too large.
    words:
        What is drawn, and the self time of its components, the largest first.
    """

    of: str
    height: int
    page: str
    picture: bytes = b""
    words: str = ""

    def __repr__(self) -> str:
        return f"<Flamegraph of {self.of.strip('<>')}>"

    def _repr_html_(self) -> str:
        # The sandbox keeps the page, which has an origin of its own there, from changing the notebook.
        source = self.page.replace("&", "&amp;").replace('"', "&quot;")
        title = html.escape(self.of)
        drawn = base64.b64encode(self.picture).decode("ascii")
        # Some hosts strip pictures that are a part of the page as well, and show the words instead of them.
        words = f"<p>{html.escape(self.words)}</p><p>{_STATIC}</p>"
        picture = f'<img alt="Flamegraph" src="data:image/svg+xml;base64,{drawn}">'
        return (
            f"<div><style>{_STYLE}</style>"
            f'<div class="nutrace-picture">{words}{picture if drawn else ""}</div>'
            f'<iframe class="nutrace-flamegraph" title="{title}" height="{self.height}" '
            f'sandbox="allow-scripts" srcdoc="{source}"></iframe></div>'
        )


def flamegraph(
    trace: Trace,
    steps: Optional[Steps] = None,
    component: Optional[str] = None,
    height: int = 600,
    scenario: Optional[Union[str, int]] = None,
) -> Flamegraph:
    """Draw a trace or a part of it; see :meth:`nutrace.Trace.flamegraph`."""
    from nutrace_exporters.html import Options, export  # not needed to show a card

    if isinstance(height, bool) or not isinstance(height, int) or not 100 <= height <= 10_000:
        raise UsageError(f"bad height {height!r}: write CSS pixels, 100 to 10000")
    part = select(trace, steps=steps, component=component, scenario=scenario)
    out = BytesIO()
    title = " · ".join(filter(None, (title_of(part), part.selection)))
    export(part, out, Options(title=title))
    page = out.getvalue().decode("utf-8")
    return Flamegraph(label(repr(part)), height, page, _picture(part, title), _words(part, title))


def _words(trace: Trace, title: str) -> str:
    spent: Counter[str] = Counter()
    for component, self_ns in zip(trace.component, trace.self_ns):
        spent[component] += self_ns
    whole = sum(spent.values())
    first = spent.most_common(_MOST_WORDS)
    shares = [f"{label(component)} {duration(ns)} ({percent(ns, whole)})" for component, ns in first]
    others = len(spent) - len(first)
    more = [f"{others} more"] if others else []
    return f"Flamegraph of {label(title)}. Self time: {', '.join([*shares, *more])}."


def _picture(trace: Trace, title: str) -> bytes:
    from nutrace_exporters import svg

    out = BytesIO()
    svg.export(trace, out, svg.Options(title=title, width=_PICTURE_PX))
    return out.getvalue() if out.tell() <= _LARGEST_PICTURE else b""
