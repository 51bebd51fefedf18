"""nutrace: where the time of a nuPlan simulation goes, truthfully and cheaply."""

from __future__ import annotations

__version__ = "0.1.0"
