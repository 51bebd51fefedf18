"""Write the run of a made-up evaluation, and measure what nutrace does with it.

    python tests/benchmarks/evaluation.py FOLDER [--scenarios 1100] [--steps 150] [--workers 8] [--parts]

With the defaults, ``FOLDER/run.json`` has three million spans in 1,100 scenarios, as Ray's workers leave them
(``tests/fakes/evaluation.py``). Each command that follows ``--`` is then run with that file in the place of
``{}``, and its seconds and the largest memory of its process are printed:

    python tests/benchmarks/evaluation.py /tmp/val14 -- report {} -- flamegraph {} -o /tmp/val14/page.html
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import List

sys.path.insert(0, str(Path(__file__).parents[1]))

from fakes.evaluation import write_evaluation


def commands(words: List[str]) -> List[List[str]]:
    """The commands, which ``--`` separates."""
    found: List[List[str]] = [[]]
    for word in words:
        if word == "--":
            found.append([])
        else:
            found[-1].append(word)
    return [command for command in found if command]


def measured(command: List[str], output: Path) -> str:
    """Run one command of nutrace; its exit code, seconds, and peak of resident memory."""
    began = time.monotonic()
    with output.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "nutrace.cli.main", *command], stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds, cpu = time.monotonic() - began, usage.ru_utime + usage.ru_stime
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    code = f", exit code {process.returncode}" if process.returncode else ""
    return f"{seconds:8.1f} s {cpu:8.1f} s CPU {peak / 1e9:6.2f} GB peak  nutrace {' '.join(command)}{code}"


def main() -> None:
    """Write the run if it is not there, and measure the commands."""
    words = sys.argv[1:]
    split = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenarios", type=int, default=1100)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--parts", action="store_true", help="leave the files of the processes unjoined")
    args = parser.parse_args(words[:split])
    args.folder.mkdir(parents=True, exist_ok=True)
    path = args.folder / "run.json"
    if not path.exists():
        began = time.monotonic()
        made = write_evaluation(args.folder, args.scenarios, args.steps, args.workers, parts=args.parts)
        took = time.monotonic() - began
        print(f"{made.spans:,} spans, {len(made.scenarios):,} scenarios, {took:.1f} s to write", flush=True)
    for number, command in enumerate(commands(words[split:])):
        print(
            measured([word.replace("{}", str(path)) for word in command], args.folder / f"out-{number}.txt"),
            flush=True,
        )


if __name__ == "__main__":
    main()
