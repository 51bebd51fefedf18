"""The tools, in the order of the table. A program imports only the one that stands beside it."""

from __future__ import annotations

from importlib import import_module
from typing import Dict, List

from truth.tools.tool import Tool

#: Name and module; each module has one `TOOL`.
MODULES: Dict[str, str] = {
    "nutrace": "truth.tools.nutrace_report",
    "nutrace-raw": "truth.tools.nutrace_raw",
    "cprofile": "truth.tools.cprofile",
    "viztracer": "truth.tools.viztracer_events",
    "py-spy": "truth.tools.py_spy",
    "pyinstrument": "truth.tools.pyinstrument_frames",
    "scalene": "truth.tools.scalene_lines",
    "opentelemetry": "truth.tools.opentelemetry_sdk",
}

BARE = Tool()


def inside(name: str) -> Tool:
    """The tool with a name, "bare" for none."""
    if name == BARE.name:
        return BARE
    tool: Tool = import_module(MODULES[name]).TOOL
    return tool


def tools() -> List[Tool]:
    """All tools."""
    return [inside(name) for name in MODULES]
