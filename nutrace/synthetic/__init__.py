"""Write synthetic nuPlan data: a log and maps for the devkit, and for the miniature of the demo."""

from __future__ import annotations

from nutrace.synthetic.dataset import Dataset, write_dataset
from nutrace.synthetic.log import write_log
from nutrace.synthetic.spec import LogSpec

__all__ = ["Dataset", "LogSpec", "write_dataset", "write_log"]
