"""What a recording counts about itself; the run file's resource holds it at the end."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Dict

from nutrace import semconv


@dataclass
class Diagnostics:
    """Counts of one process."""

    recorded: int = field(default=0, metadata={"key": semconv.SPANS_RECORDED})
    dropped: int = field(default=0, metadata={"key": semconv.SPANS_DROPPED})
    truncated: int = field(default=0, metadata={"key": semconv.SPANS_TRUNCATED})
    unfinished: int = field(default=0, metadata={"key": semconv.SPANS_UNFINISHED})
    faults: int = field(default=0, metadata={"key": semconv.FAULTS})
    overhead_ns: int = field(default=0, metadata={"key": semconv.OVERHEAD_NS})

    def attributes(self) -> Dict[str, Any]:
        """Its resource attributes."""
        return {each.metadata["key"]: getattr(self, each.name) for each in fields(self)}
