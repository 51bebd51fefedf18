"""Drawings of traces: one module for each format, listed in :mod:`nutrace_exporters.registry`."""

from __future__ import annotations

from nutrace_exporters.registry import FORMATS, Format, find

__all__ = ["FORMATS", "Format", "find"]
