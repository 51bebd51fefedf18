"""Export run files as tables, and say whether a trace is the same as another one."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.otlp import compact

import nutrace
from nutrace.trace import Trace
from nutrace_exporters import parquet

pyarrow = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def with_named_numbers(document: Dict[str, Any]) -> bytes:
    """A document in which NaN and infinity are texts, as OTLP/JSON has them."""
    return re.sub(rb":(-?Infinity|NaN)", rb':"\1"', compact(document))


def exported(file: Path, folder: Path, run: str = "run") -> Path:
    """Export a run file; returns the folder of its spans."""
    return parquet.export(nutrace.load(file), folder, run)


def rows(spans: Path, table: str = "spans") -> List[Dict[str, Any]]:
    """The rows of an exported run; times stay Arrow's, as Python's have no nanoseconds."""
    path = spans.parents[1] / table / spans.name / "part-0.parquet"
    return list(pq.ParquetFile(path).read().to_pylist())


def everything(trace: Trace) -> Dict[str, Any]:
    """All that a trace says, but for its file's name."""
    told = {field.name: getattr(trace, field.name) for field in fields(trace)}
    for name in ("path", "raw", "sampled"):
        del told[name]
    # NaN differs from itself, and its text does not.
    told["resources"] = [repr(dict(resource.attributes)) for resource in trace.resources]
    told["spans"] = [
        (
            repr(dict(trace.attributes(span))),
            repr(trace.events(span)),
            trace.status(span),
            trace.span_id(span),
            trace.trace_id(span),
            trace.kind(span),
            trace.by_api(span),
            trace.unfinished(span),
            trace.call_times(span),
        )
        for span in range(len(trace))
    ]
    told["addresses"] = trace.addresses
    return told
