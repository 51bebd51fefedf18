"""The page of a history: one HTML file with charts, tables and the changes in words."""

from __future__ import annotations

from nutrace.dashboard.history import History, JudgedSeries
from nutrace.dashboard.page import Options, export

__all__ = ["History", "JudgedSeries", "Options", "export"]
