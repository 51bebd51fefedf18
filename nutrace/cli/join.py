"""``nutrace join A B ... -o run.json``: put files and shards of one run together."""

from __future__ import annotations

import argparse
import gzip
import os
import sys
from contextlib import suppress
from typing import BinaryIO, List, cast

from nutrace.cli.join_parts import Parts
from nutrace.cli.run_files import run_files
from nutrace.errors import InputError, OutputError, UsageError
from nutrace.printable import LINE, printable
from nutrace.trace.opening import STDIN
from nutrace.trace.runfiles import PARTIAL, RunFiles, find_run
from nutrace_exporters.labels import counted
from nutrace_exporters.output import STDOUT, whole_file


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "files",
        nargs="+",
        metavar="PART",
        help="a run file, a .partial file or a shard, such as a worker has left on its own machine, or a "
        "folder of them; the shards beside a run file are joined with it",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="FILE",
        help="the run file to write, such as run.json or run.json.gz; - is standard output. Partial files "
        "of that name that are in it then are removed, as a run does at its end",
    )
    parser.add_argument("--force", action="store_true", help="overwrite FILE if it is there")


def run(args: argparse.Namespace) -> int:
    """Join the parts, and say what is in the file."""
    output: str = args.output
    if STDIN in args.files:
        raise UsageError("- cannot be joined, as its shards have its name: name a file")
    if output != STDOUT and os.path.exists(output) and not args.force:
        raise OutputError(f"{output} exists: name another file with -o, or overwrite it with --force")
    parts = Parts()
    for name in run_files(args.files):
        parts.read(name)
    if not parts.files:
        raise InputError(f"no part of a run in {' '.join(args.files)}: name files that nutrace has written")
    with whole_file(output) as out:
        if output.endswith(".gz"):
            with gzip.GzipFile(filename="", mode="wb", fileobj=out) as zipped:
                parts.write(cast(BinaryIO, zipped))
        else:
            parts.write(out)
    removed = 0 if output == STDOUT else _remove_joined(output, parts)
    for line in _lines(output, parts, removed):
        print(line, file=sys.stderr if output == STDOUT else sys.stdout)
    return 0


def _remove_joined(output: str, parts: Parts) -> int:
    """Remove what would be read a second time with the file: its partial file, and shards beside it."""
    beside = {output + PARTIAL, *find_run(output).shards_of({parts.run_id})}
    joined = [file for file in parts.files if any(_same(file, other) for other in beside)]
    removed = 0
    for file in joined:
        if not RunFiles(file, ()).is_running():
            with suppress(OSError):
                os.unlink(file)
                removed += 1
    return removed


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _lines(output: str, parts: Parts, removed: int) -> List[str]:
    hosts = sorted({host for host, _ in parts.processes if host})
    names = f" on {printable(', '.join(hosts), LINE)}" if hosts else ""
    processes = counted(len(parts.processes), "process", "processes")
    files = counted(len(parts.files), "file", "files")
    lines = [f"wrote {printable(output, LINE)}: {processes}{names}, from {files}"]
    if parts.duplicates:
        spans = counted(parts.duplicates, "span was", "spans were")
        lines.append(f"{spans} in two files, and counted once")
    if parts.bad_lines:
        left = counted(parts.bad_lines, "line", "lines")
        lines.append(f"{left} could not be read: left out")
    if parts.running:
        lines.append("a process still writes: this is what was there; join again when it has ended")
    if removed:
        gone = counted(removed, "partial file", "partial files")
        lines.append(f"removed {gone} of that name, which are in it now")
    return lines
