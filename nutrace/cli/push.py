"""``nutrace push run.json``: send a run's spans to a collector, Jaeger or Tempo."""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import sys
from typing import Any, Dict, List

from nutrace.cli.json_output import print_json
from nutrace.cli.options import add_json, add_run_file
from nutrace.cli.progress import progress_bar
from nutrace.errors import PushError, UsageError
from nutrace.printable import LINE, printable
from nutrace.push import Endpoint, Options, Summary, find_endpoint, push
from nutrace_exporters.labels import counted

_DEFAULT = Options()
_MEGABYTE = 1_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_run_file(parser)
    parser.add_argument(
        "--endpoint",
        metavar="URL",
        help="the server's address; /v1/traces is appended unless it ends with that (default: "
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT or http://localhost:4318)",
    )
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="send a header with each request, beside those of OTEL_EXPORTER_OTLP_HEADERS; may be repeated",
    )
    parser.add_argument("--gzip", action="store_true", help="compress requests")
    parser.add_argument(
        "--batch-mb",
        type=_batch_bytes,
        default=_DEFAULT.most_bytes,
        metavar="MB",
        help=f"largest request, before it is compressed (default {_DEFAULT.most_bytes / _MEGABYTE:g})",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=_DEFAULT.timeout_s,
        metavar="S",
        help=f"seconds for a request, with all its repetitions (default {_DEFAULT.timeout_s:g})",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Send the run and print a summary; raises an error with exit code 1 if not all spans arrived."""
    endpoint = find_endpoint(args.endpoint, args.header, os.environ)
    options = Options(args.batch_mb, args.timeout, args.gzip)
    with progress_bar("bytes") as progress:
        summary = push(args.file, endpoint, options, progress=progress, tell=_tell)
    if args.json:
        print_json({"file": args.file, **_document(summary, endpoint)})
    else:
        print("\n".join(_lines(args.file, summary, endpoint)))
    if summary.stopped:
        raise PushError(f"the spans did not all arrive: {summary.stopped}")
    if summary.rejected:
        raise PushError(f"the server rejected {counted(summary.rejected, 'span')}")
    return 0


def _lines(file: str, summary: Summary, endpoint: Endpoint) -> List[str]:
    size, url = summary.bytes / _MEGABYTE, printable(endpoint.url, LINE)
    lines = [
        f"{printable(file, LINE)}: {counted(summary.sent, 'span')} sent to {url}, in "
        f"{counted(summary.pieces, 'request')}, {size:.1f} MB, {summary.seconds:.1f} s"
    ]
    repeated = summary.attempts - summary.pieces
    lines += [f"  {counted(count, 'span')} rejected: {reason}" for reason, count in summary.reasons.items()]
    lines += [
        f"  the server remarked: {remark} ({counted(n, 'request')})" for remark, n in summary.remarks.items()
    ]
    if repeated and not summary.stopped:
        lines.append(f"  {counted(repeated, 'request')} had to be sent again, or smaller")
    if summary.unclear:
        lines.append(
            f"  {counted(summary.unclear, 'span')} may be there twice: the answer to a first attempt was lost"
        )
    if summary.stopped:
        lines.append("  the rest of the file was not sent")
    if summary.bad_lines:
        lines.append(f"  {counted(summary.bad_lines, 'line')} of the file could not be read")
    if summary.cut_short:
        lines.append("  the run goes on, or was cut short: what its files hold was sent")
    return lines


def _document(summary: Summary, endpoint: Endpoint) -> Dict[str, Any]:
    return {"endpoint": endpoint.url, "arrived": summary.arrived, **dataclasses.asdict(summary)}


def _tell(text: str) -> None:
    clear = "\r\x1b[K" if sys.stderr.isatty() else ""  # the progress bar
    print(f"{clear}nutrace: {text}", file=sys.stderr)


def _batch_bytes(text: str) -> int:
    value = _number(text)
    if not 0.001 <= value <= 100:
        raise UsageError(f"bad --batch-mb {printable(text)}: write megabytes, from 0.001 to 100")
    return round(value * _MEGABYTE)


def _seconds(text: str) -> float:
    value = _number(text)
    if not 0 < value <= 86_400:
        raise UsageError(f"bad --timeout {printable(text)}: write seconds, such as 60")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
