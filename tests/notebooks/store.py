"""``python tests/notebooks/store.py NAME ...``: run notebooks and store them with their outputs.

They are simulated with the devkit where there is one, as in the tests; with ``--miniature`` without it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import nbformat
from devkit import devkit_python
from notebooks.running import LARGEST_BYTES, NAMES, NOTEBOOKS, execute, faults, read


def store(name: str, devkit: bool) -> None:
    """Run one notebook, and write it if there is no fault in it."""
    notebook = read(name)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="notebook-") as folder:
        execute(notebook, Path(folder), devkit_python() if devkit else None)
    wrong = faults(notebook)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
    text = nbformat.writes(notebook)
    if len(text) > LARGEST_BYTES:
        wrong.append(f"{len(text):,} bytes")
    where = NOTEBOOKS / f"{name}.ipynb"
    if wrong:
        where = Path(tempfile.gettempdir()) / f"{name}.faulty.ipynb"
    where.write_text(text + "\n", encoding="utf-8")
    print(f"{where}: {len(text) / 1e3:.0f} kB, {time.monotonic() - start:.0f} s", *wrong, sep="\n  ")
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--miniature", action="store_true", help="simulate with the miniature")
    args = parser.parse_args()
    for each in args.names:
        store(each, devkit=not args.miniature)
