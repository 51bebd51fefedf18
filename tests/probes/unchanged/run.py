"""Run all programs of this folder in one process: ``python run.py WAY``.

A program is a function ``program_*`` of a module ``same_*.py``. It prints what it does, and raises nothing.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).parent
MODULES = sorted(file.stem for file in HERE.glob("same_*.py"))


def main(mode: str) -> None:
    """Run each program; a heading on stdout and stderr tells whose lines follow."""
    loaded = [importlib.import_module(name) for name in MODULES]
    if mode in ("midway", "taken_back"):
        import nutrace

        nutrace.instrument()
        if mode == "taken_back":
            nutrace.uninstrument()
    for module in loaded:
        for name, program in list(vars(module).items()):
            if not name.startswith("program_"):
                continue
            for stream in (sys.stdout, sys.stderr):
                print(f"== {module.__name__} {name}", file=stream, flush=True)
            with warnings.catch_warnings():
                program()


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    main(sys.argv[1])
