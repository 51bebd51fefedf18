"""A run as Parquet tables, from a notebook."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Union

from nutrace.trace import Trace
from nutrace.trace.parquet_format import exported_runs

_ENDING = re.compile(r"(\.(json|jsonl|ndjson))?(\.gz)?\Z")


def to_parquet(trace: Trace, folder: Union[str, os.PathLike[str]], run: str = "") -> Path:
    """Write the run of a trace; see :meth:`nutrace.Trace.to_parquet`."""
    from nutrace_exporters import parquet  # pyarrow takes long to import

    exported = exported_runs(trace.path)
    same = exported[0].name if exported else _ENDING.sub("", os.path.basename(os.path.normpath(trace.path)))
    return parquet.export(trace, Path(folder), run or same or "run")
