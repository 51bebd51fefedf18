"""What is wrong with a folder of tables as a whole, so that queries over all of its runs would mislead."""

from __future__ import annotations

import os
from typing import Dict, Iterator, List

from nutrace.errors import InputError
from nutrace.trace.parquet_file import TableFile
from nutrace.trace.parquet_format import RUN_ID_KEY, SPANS, exported_runs


def doubts(folder: str) -> Iterator[str]:
    """A sentence on each run that is there under two names, and on each that cannot be read."""
    names: Dict[bytes, List[str]] = {}
    for run in exported_runs(folder):
        try:
            with TableFile(run.file(SPANS)) as file:
                run_id = file.text(RUN_ID_KEY)
        except InputError as error:
            yield f"{error}; queries over all runs read it as well"
        else:
            names.setdefault(run_id, []).append(run.partition)
    for same in names.values():
        if len(same) > 1:
            where = os.path.join(folder, "*", same[-1])
            yield f"{' and '.join(same)} in {folder} are the same run, and queries count each: delete {where}"
