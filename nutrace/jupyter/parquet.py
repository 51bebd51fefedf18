"""A run as Parquet tables, from a notebook."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Union

from nutrace.trace import Trace
from nutrace.trace.parquet_format import place_and_name


def to_parquet(trace: Trace, folder: Union[str, os.PathLike[str]], run: str = "") -> Path:
    """Write the run of a trace; see :meth:`nutrace.Trace.to_parquet`."""
    from nutrace_exporters import parquet  # pyarrow takes long to import

    return parquet.export(trace, Path(folder), run or place_and_name(trace.path)[1])
