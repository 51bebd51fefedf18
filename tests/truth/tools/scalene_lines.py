"""Scalene's times of functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, List, Sequence

from truth.tools.tool import Said, Seen, Tool

_SAMPLE_S = 0.001
_PARTS = ("n_cpu_percent_python", "n_cpu_percent_c", "n_sys_percent")


class Scalene(Tool):
    """Processor time only, a thousand samples a second."""

    name = "scalene"
    title = "Scalene"
    meaning = (
        f"Samples by a timer's signal, {1 / _SAMPLE_S:,.0f} a second (its default is 100), as per cent of "
        "the time by line and function, split into Python, C and waiting. No calls are counted."
    )
    modules = ("scalene",)

    def command(self, python: str, arguments: Sequence[str], folder: Path) -> List[str]:
        options = ["--cpu-only", "--cpu-sampling-rate", str(_SAMPLE_S), "--cpu-percent-threshold", "0"]
        words = [python, "-m", "scalene", "run", *options, "-o", str(folder / "scalene.json"), arguments[0]]
        return [*words, "---", *arguments[1:]] if arguments[1:] else words

    def read(self, folder: Path, program: str) -> Said:
        document = json.loads((folder / "scalene.json").read_text(encoding="utf-8"))
        whole_ns = document["elapsed_time_sec"] * 1e9
        seen: Dict[str, Seen] = {}
        for file, detail in document["files"].items():
            if Path(file).name == program:
                for function in detail["functions"]:
                    share = sum(function[part] for part in _PARTS) / 100
                    seen[function["line"]] = Seen(self_ns=share * whole_ns)
        return Said(seen)


TOOL = Scalene()
