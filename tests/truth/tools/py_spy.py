"""py-spy, which looks from outside."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import List, Sequence, Tuple

from truth.tools.stacks import functions
from truth.tools.tool import Said, Tool

RATE_HZ = 1000
_MAIN = ("run", "known.py")
_FRAME = re.compile(r"^(?P<name>.*?) \((?P<file>.*?)(:\d+)?\)$")


class PySpy(Tool):
    """A thousand times a second, so that runs of a second say something."""

    name = "py-spy"
    title = "py-spy"
    meaning = (
        f"Samples of the stacks of all threads that do not wait, {RATE_HZ:,} a second (its default is 100): "
        "a statistical share of the time, no calls. The shares are turned into times here by the program's "
        "clock."
    )

    def missing(self) -> str:
        return "" if self._executable() else "not installed: py-spy"

    def command(self, python: str, arguments: Sequence[str], folder: Path) -> List[str]:
        options = ["-r", str(RATE_HZ), "-f", "raw", "-o", str(folder / "stacks.txt")]
        return [self._executable(), "record", *options, "--", python, *arguments]

    def read(self, folder: Path, program: str) -> Said:
        stacks: List[Tuple[List[Tuple[str, str]], float]] = []
        for line in (folder / "stacks.txt").read_text(encoding="utf-8").splitlines():
            frames, _, count = line.rpartition(" ")
            stack = []
            for frame in frames.split(";"):
                match = _FRAME.match(frame)
                stack.append((match["name"], Path(match["file"]).name) if match else (frame, ""))
            stacks.append((stack, float(count)))
        # A machine that is busy takes fewer samples than asked for, so a sample is no fixed time.
        inside = sum(count for stack, count in stacks if _MAIN in stack)
        known = json.loads((folder / "known.json").read_text(encoding="utf-8"))
        each_ns = known["facts"]["main_ns"] / max(1.0, inside)
        return Said(functions([(stack, count * each_ns) for stack, count in stacks], program))

    @staticmethod
    def _executable() -> str:
        beside = Path(sys.executable).with_name("py-spy")
        return str(beside) if beside.exists() else shutil.which("py-spy") or ""


TOOL = PySpy()
