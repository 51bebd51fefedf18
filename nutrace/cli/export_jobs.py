"""How many runs are converted at a time: as many as there are processors, and as memory holds."""

from __future__ import annotations

import os
from typing import Optional, Sequence

from nutrace.bench.machine import moment, processors
from nutrace.trace.runfiles import RunFiles, find_run

#: Bytes of memory, at the peak, for each byte of a run file; gzip makes such files a twentieth.
_MEMORY_FACTOR = 1.5
_GZIP_FACTOR = 20
#: Bytes of memory whatever the run: the interpreter, pyarrow, and the rows that are written at a time.
_BASE = 250_000_000


def jobs_for(files: Sequence[str], most: Optional[int] = None) -> int:
    """How many of these runs to convert at a time.

    Parameters
    ----------
    most:
        What the user says, who is believed; None leaves it to the machine.
    """
    if most is None:
        most = processors()
        available_mb = moment()["memory_available_mb"]
        if available_mb is not None and files:
            largest = max(map(memory_of, files))
            most = min(most, int(available_mb * 1024**2 // largest))
    return max(1, min(most, len(files)))


def memory_of(file: str) -> float:
    """About how many bytes of memory the conversion of a run takes."""
    return _BASE + _MEMORY_FACTOR * size_of(file)


def size_of(file: str) -> int:
    """The bytes of a run's files, of gzip files as they are when unpacked; 0 of a pipe."""
    run = RunFiles(file, ()) if os.path.isfile(file) else find_run(file)  # which looks at the whole folder
    return sum(
        os.path.getsize(each) * (_GZIP_FACTOR if ".gz" in os.path.basename(each) else 1)
        for each in (run.main, *run.shards)
        if os.path.isfile(each)
    )
