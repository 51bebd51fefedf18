"""Read the metric files of a run: ``python -m nutrace.verify.files``.

    python -m nutrace.verify.files RECORD.jsonl OUTPUT [FOLDER ...] [--since SECONDS]

writes a line for each file below OUTPUT, and for each file below the FOLDERs that is not older than SECONDS
since 1970. It is run by the program's own interpreter, which has the packages that wrote the files.

The rows of a table are sorted, because their order depends on the order of files in a folder.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import sys
from typing import Any, Dict, Iterator, List, Tuple

from nutrace.recording.faults import one_line
from nutrace.verify.canonical import Canonical

NO_METRICS = "no metric file"
#: Simulation logs. The recorder has compared what they hold, so only their presence is compared here.
LOGS = (".msgpack.xz", ".pkl.xz")
STEPS_COMPARED = "simulation log"

#: Columns that hold times, and the one that holds tracebacks: of these only the last line is compared.
_TIMES = ("start_time", "end_time", "duration", "*runtime*")
_TRACEBACK = "error_message"
#: The time within names of folders and files.
_TIME_IN_NAME = re.compile(r"\d{4}\.\d{2}\.\d{2}\.\d{2}\.\d{2}\.\d{2}|(?<=_)\d{10}(?=\.)")
_METRICS = ("metrics", "aggregator_metric")


def main(arguments: List[str]) -> int:
    """Write the record; return the exit code."""
    since = 0.0
    if "--since" in arguments:
        at = arguments.index("--since")
        since = float(arguments[at + 1])
        del arguments[at : at + 2]
    record, own, *others = arguments
    with open(record, "w", encoding="ascii") as out:
        for name, path in sorted(_files(own, others, since)):
            out.write(f"{_line(name, path, own)}\n")
    return 0


def _files(own: str, others: List[str], since: float) -> Iterator[Tuple[str, str]]:
    seen = set()
    for top in (own, *others):
        for folder, _, names in os.walk(top):
            for name in names:
                path = os.path.realpath(os.path.join(folder, name))
                if path in seen or (top != own and os.stat(path).st_mtime < since):
                    continue
                seen.add(path)
                yield _TIME_IN_NAME.sub("TIME", os.path.relpath(path, os.path.realpath(top))), path


def _line(name: str, path: str, folder: str) -> str:
    to = Canonical(os.path.dirname(folder))
    try:
        if name.endswith(".parquet"):
            value = _table(path)
        elif name.endswith(".json") and os.path.basename(os.path.dirname(name)) in _METRICS:
            with open(path, encoding="utf-8") as file:
                value = json.load(file)
        else:
            reason = STEPS_COMPARED if name.endswith(LOGS) else NO_METRICS
            return json.dumps({"file": name, "skipped": reason})
        text, values = to.text(value)
    except Exception as error:  # the verdict names the file as skipped, with this reason
        return json.dumps({"file": name, "skipped": one_line(error)})
    return f'{{"file":{json.dumps(name)},"values":{values},"value":{text}}}'


def _table(path: str) -> Dict[str, Any]:
    import pandas as pd

    frame = pd.read_parquet(path)
    columns: Dict[str, Any] = {}
    for column in frame.columns:
        if not any(fnmatch.fnmatch(str(column), pattern) for pattern in _TIMES):
            cells = list(frame[column])
            if column == _TRACEBACK:
                cells = [
                    cell.rstrip().rpartition("\n")[2] if isinstance(cell, str) else cell for cell in cells
                ]
            columns[str(column)] = cells
    texts = [name for name, cells in columns.items() if any(isinstance(cell, str) for cell in cells)]
    order = sorted(range(len(frame)), key=lambda row: [str(columns[name][row]) for name in texts])
    return {
        column: {"dtype": str(frame[column].dtype), "rows": [cells[row] for row in order]}
        for column, cells in columns.items()
    }


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # everything is written; a normal exit has been seen to abort in pyarrow's threads
