"""The same runs of nutrace, with nothing taken out: ``nutrace report --raw``."""

from __future__ import annotations

import subprocess
import sys

from truth.tools.nutrace_report import Nutrace


class NutraceRaw(Nutrace):
    """Where the report corrects nothing, it has no such flag, and there is only one way to read a run."""

    name = "nutrace-raw"
    title = "nutrace --raw"
    meaning = "As nutrace has recorded it: a parent's self time has what its children's probes cost."
    options = ("--raw",)
    run_of = "nutrace"

    def missing(self) -> str:
        words = [sys.executable, "-m", "nutrace.cli.main", "report", "--help"]
        ended = subprocess.run(words, capture_output=True, text=True, timeout=60)
        return super().missing() or ("" if "--raw" in ended.stdout else "the report has no --raw")


TOOL = NutraceRaw()
