"""Note a program's results as ``nutrace verify`` does, and compare two such runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

from nutrace.verify import recorder
from nutrace.verify.compare import Compared, compare, ends


class Noted:
    """The folder of a run: ``record`` for its records, ``output`` for its outputs."""

    def __init__(self, folder: Path) -> None:
        self.record, self.output = folder / "record", folder / "output"
        self.record.mkdir(parents=True)

    @property
    def variables(self) -> Dict[str, str]:
        """The environment variables that switch the recorder on."""
        return {recorder.VARIABLE: str(self.record)}

    @property
    def reading(self) -> list[str]:
        """The arguments for :mod:`nutrace.verify.files`, which reads the metric files after the run."""
        return [str(self.record / "files.jsonl"), str(self.output)]

    def speedups(self) -> Dict[str, Dict[str, Any]]:
        """What the speedups reported at the end of the last simulation."""
        return list(ends(self.record))[-1]["speedups"]  # type: ignore[no-any-return]


def compared(stock: Noted, changed: Noted) -> Compared:
    """Compare everything that two runs simulated."""
    return compare(stock.record, changed.record)
