"""Write a dashboard: one file with everything in it, that opens offline.

The charts are drawn by plotly.js, of which plotly has a copy. The page's content security policy forbids
every request, and every script but plotly's and its own. Text of run files goes into the page escaped, and
into the charts through plotly's text, whose few tags are made harmless by the page's script.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import BinaryIO

from nutrace.dashboard.data import page_data
from nutrace.dashboard.history import History
from nutrace.dashboard.sections import head, sections
from nutrace.errors import MissingDependencyError
from nutrace.extras import install
from nutrace_exporters.labels import label
from nutrace_exporters.pageparts import asset, content_hash, content_policy, filled, script_json, script_of

_PACKAGE = "nutrace.dashboard"
_SCRIPTS = ("figures.js", "dashboard.js")


@dataclass(frozen=True)
class Options:
    """How to make the page.

    Parameters
    ----------
    title:
        Heading; by default the name of the folder.
    """

    title: str = ""


def plotly_script() -> str:
    """plotly.js, from the Python package.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs  # type: ignore[import-untyped,unused-ignore]
    except ImportError as error:
        raise MissingDependencyError(
            f"a dashboard is drawn with plotly, which cannot be imported ({error}): {install('history')}"
        ) from None
    # "</script" would end the element, and "<!--" would keep the next one from ending it.
    return str(get_plotlyjs()).replace("</script", "<\\/script").replace("<!--", "<\\!--")


def export(history: History, out: BinaryIO, options: Options = Options()) -> None:
    """Write `history` as a page.

    Raises
    ------
    MissingDependencyError
        If plotly is not installed.
    """
    plotly = plotly_script()
    script = script_of(_PACKAGE, _SCRIPTS)
    policy = content_policy(
        f"script-src '{content_hash(plotly)}' '{content_hash(script)}'",
        "style-src 'unsafe-inline'",
        "img-src data:",
    )
    title = label(options.title or f"History of {history.folder}", 200)
    contents = {
        "policy": policy.encode(),
        "title": html.escape(title).encode(),
        "style": asset(_PACKAGE, "dashboard.css").encode(),
        "head": head(history).encode(),
        "sections": sections(history).encode(),
        "data": script_json(page_data(history)),
        "plotly": plotly.encode(),
        "script": script.encode(),
    }
    out.writelines(filled(asset(_PACKAGE, "dashboard.html"), contents))
