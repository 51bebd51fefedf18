"""How far from the truth nutrace and other tools are: programs that know what is so, beside each tool.

    python tests/benchmarks/truth.py [--rounds 5] [--tools nutrace,cprofile] [--programs nested,tails]
                                     [--raw truth.json] [--markdown docs/truth.md]
    python tests/benchmarks/truth.py --from truth-3.11.json truth-3.9.json --markdown docs/truth.md

The programs are in ``tests/truth/programs``, the tools in ``tests/truth/tools``; both have a registry. A tool
that is not installed is left out, and the page says so. This installs the others:

    pip install viztracer pyinstrument scalene py-spy opentelemetry-instrumentation-sqlite3

Run it on a machine that does nothing else. A round of everything takes some ten minutes. ``--raw`` keeps all
values, those of an interrupted run as well, and ``--from`` makes the page of them.

The exit code is 1 if a run has failed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Iterable, Union

sys.path.insert(0, str(Path(__file__).parents[1]))

from truth.laboratory import Results, chosen, measure
from truth.page import page
from truth.registry import PROGRAMS, Program
from truth.tools.registry import MODULES, tools
from truth.tools.tool import Tool


def main() -> int:
    """Measure, or read what was measured, and print the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tools", default="", help="names, separated by commas: " + names(tools()))
    parser.add_argument("--programs", default="", help="names, separated by commas: " + names(PROGRAMS))
    parser.add_argument("--raw", type=Path, help="write all values to this file")
    parser.add_argument("--markdown", type=Path, help="write the page to this file instead of printing it")
    parser.add_argument(
        "--from",
        type=Path,
        nargs="+",
        dest="sources",
        metavar="FILE",
        help="do not measure: read what --raw wrote",
    )
    args = parser.parse_args()
    wanted = [name for name in args.programs.split(",") if name]
    programs = [program for program in PROGRAMS if not wanted or program.name in wanted]
    named = [name for name in args.tools.split(",") if name]
    asked = chosen(named, tools())
    unknown = {*wanted} - {program.name for program in PROGRAMS} | {*named} - {*MODULES}
    if unknown:
        parser.error(f"no such program or tool: {', '.join(sorted(unknown))}; --help lists them")
    if args.sources:
        every = [Results.load(file) for file in args.sources]
    else:
        every = [measure(programs, asked, args.rounds, lambda line: print(line, file=sys.stderr), args.raw)]
    text = page(every, programs, asked)
    if args.markdown:
        args.markdown.write_text(text, encoding="utf-8")
    else:
        print(text)
    return 1 if any(results.failures() for results in every) else 0


def names(rows: Iterable[Union[Program, Tool]]) -> str:
    """The names of programs or tools."""
    return ", ".join(row.name for row in rows)


if __name__ == "__main__":
    sys.exit(main())
