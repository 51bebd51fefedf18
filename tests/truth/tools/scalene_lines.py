"""Scalene's times of functions."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import DefaultDict, List, Sequence

from truth.tools.tool import Said, Seen, Tool

_SAMPLE_S = 0.001
_PARTS = ("n_cpu_percent_python", "n_cpu_percent_c", "n_sys_percent")


class Scalene(Tool):
    """Processor time only, a thousand samples a second."""

    name = "scalene"
    title = "Scalene"
    meaning = (
        f"Samples by a timer's signal, {1 / _SAMPLE_S:,.0f} a second (its default is 100), as per cent of "
        "the time by line and function, split into Python, C and waiting; no calls. The shares of the "
        "program's functions are turned into times here by the program's clock."
    )
    modules = ("scalene",)

    def command(self, python: str, arguments: Sequence[str], folder: Path) -> List[str]:
        options = ["--cpu-only", "--cpu-sampling-rate", str(_SAMPLE_S), "--cpu-percent-threshold", "0"]
        words = [python, "-m", "scalene", "run", *options, "-o", str(folder / "scalene.json"), arguments[0]]
        return [*words, "---", *arguments[1:]] if arguments[1:] else words

    def read(self, folder: Path, program: str) -> Said:
        document = json.loads((folder / "scalene.json").read_text(encoding="utf-8"))
        shares: DefaultDict[str, float] = defaultdict(float)
        for file, detail in document["files"].items():
            if Path(file).name == program:
                for function in detail["functions"]:
                    shares[function["line"]] += sum(function[part] for part in _PARTS)
        known = json.loads((folder / "known.json").read_text(encoding="utf-8"))
        each_ns = known["facts"]["main_ns"] / max(sum(shares.values()), 1e-9)
        return Said({name: Seen(self_ns=share * each_ns) for name, share in shares.items()})


TOOL = Scalene()
