"""A run as Parquet tables, from a notebook."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Union

from nutrace.trace import Trace

_ENDING = re.compile(r"(\.(json|jsonl|ndjson))?(\.gz)?\Z")


def to_parquet(trace: Trace, folder: Union[str, os.PathLike[str]], run: str = "") -> Path:
    """Write the run of a trace; see :meth:`nutrace.Trace.to_parquet`."""
    from nutrace_exporters import parquet  # pyarrow takes long to import

    name = run or _ENDING.sub("", os.path.basename(os.path.normpath(trace.path))) or "run"
    return parquet.export(trace, Path(folder), name)
