"""Runs whose results are noted as ``nutrace verify`` notes them, and its comparison of two of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

from nutrace.verify import recorder
from nutrace.verify.compare import Compared, compare, ends


class Noted:
    """The folder of a run: ``record``, and ``output`` for what it writes."""

    def __init__(self, folder: Path) -> None:
        self.record, self.output = folder / "record", folder / "output"
        self.record.mkdir(parents=True)

    @property
    def variables(self) -> Dict[str, str]:
        """What makes the program note."""
        return {recorder.VARIABLE: str(self.record)}

    @property
    def reading(self) -> list[str]:
        """Arguments of :mod:`nutrace.verify.files`, which reads the metric files afterwards."""
        return [str(self.record / "files.jsonl"), str(self.output)]

    def speedups(self) -> Dict[str, Dict[str, Any]]:
        """What the speedups said at the end of the last simulation."""
        return list(ends(self.record))[-1]["speedups"]  # type: ignore[no-any-return]


def compared(stock: Noted, changed: Noted) -> Compared:
    """Everything that both simulated; what differs is for the caller to judge."""
    return compare(stock.record, changed.record)
