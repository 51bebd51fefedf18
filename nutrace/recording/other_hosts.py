"""What the processes of a run tell each other if they are on several hosts.

A process on another host than its parent writes its shard beside the run file, as any other process, if the
folder is there. The first process joins the shard if that folder is shared. If it is not, the shard stays on
its host, which the process says, and the report on the run as well.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

from nutrace import semconv
from nutrace.recording import names, ray_cluster
from nutrace.recording.faults import say
from nutrace.recording.host import in_file_names, this_host
from nutrace.recording.locks import ended
from nutrace.recording.processes import Inherited
from nutrace.recording.ray_cluster import Process
from nutrace.recording.runfile import RunFile

_PATIENCE_S = 3.0  # for workers to end, whose shards can be joined then
_PAUSE_S = 0.02


class OtherHosts:
    """This process as one of a run that may be on several hosts.

    Parameters
    ----------
    run_id:
        The run's id.
    told:
        What the process was told of its run; ``None`` for the run's first process.

    Attributes
    ----------
    is_elsewhere:
        Whether this is another host than that of the process which told so.
    """

    def __init__(self, run_id: str, told: Optional[Inherited]) -> None:
        self.is_elsewhere = told is not None and told.is_elsewhere
        self._run_id = run_id
        self._told_run = told.run if told is not None else None
        self._is_apart = False  # the run's first process does not reach what this one writes
        self._has_told = told is None
        self._workers: Dict[str, Process] = {}  # that have told us, a driver of Ray, of themselves

    def place_for(self, run: Path) -> Path:
        """The path to write a shard beside: as `run` if its folder is there, else in one for temporary files.

        The current directory would not do: Ray deletes the one that it gives its workers.

        Raises
        ------
        OSError
            If no folder can be made.
        """
        # A folder of that name may be another one here: then the run's own file is not in it.
        self._is_apart = not (names.partial_of(run).exists() or run.exists())
        if os.access(run.parent, os.W_OK | os.X_OK):
            return run
        import tempfile  # a process on its run's own host does without it

        user = os.getuid()
        folder = Path(tempfile.gettempdir(), f"nutrace-{user}")
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != user:  # somebody else has made it, and could remove what is in it
            folder = Path(tempfile.mkdtemp(prefix="nutrace-"))
        self._is_apart = True
        return folder / run.name

    def tell(self, file: RunFile, ending: bool = False) -> None:
        """Say where this process keeps its spans if nobody finds them, and tell a driver of it; once.

        Called when the process has spans, now and then and when it is `ending`.
        """
        if self._has_told:
            return
        is_worker = ray_cluster.is_worker()
        if is_worker is None and not ending:
            return  # Ray connects it in a moment, and from then on its messages reach the user
        self._has_told = True
        if self._is_apart and self._told_run is not None:
            host, run = this_host().name, self._told_run
            say(
                f"{run.parent} is not shared with {host}: the spans of process {os.getpid()} are in "
                f"{file.partial} there; copy that to {run.parent}, or see nutrace join --help"
            )
        if is_worker and not ending:
            with contextlib.suppress(Exception):  # the cluster is ending
                here = Process(this_host().name, os.getpid(), os.fspath(file.partial))
                ray_cluster.tell(self._run_id, here)

    def hear(self) -> None:
        """In a driver of Ray, which is about to disconnect: note which workers have spans."""
        with contextlib.suppress(Exception):  # the cluster has ended
            for process in ray_cluster.heard_of(self._run_id):
                self._workers[f"{process.pid}@{in_file_names(process.host)}"] = process
            ray_cluster.forget_notes(self._run_id)

    def wait_for_workers(self, run: Path) -> None:
        """Wait a moment for the workers that have told of themselves: Ray ends them when a driver leaves."""
        deadline = time.monotonic() + _PATIENCE_S
        while self._workers and time.monotonic() < deadline:
            shards = [
                file
                for file in names.shards(run, self._run_id[:8])
                if "@".join(names.writer_in(file.name)) in self._workers
            ]
            if all(ended(file, names.pid_in(file.name)) for file in shards):
                return
            time.sleep(_PAUSE_S)

    def missing(self, run: Path) -> List[Process]:
        """The workers that have spans, and no file beside that of the run."""
        files = names.shards(run, self._run_id[:8]) if self._workers else ()
        there = {"@".join(names.writer_in(file.name)) for file in files}
        return [process for writer, process in self._workers.items() if writer not in there]

    def attributes(self) -> Dict[str, Any]:
        """What the run file says of the workers."""
        if not self._workers:
            return {}
        return {semconv.RUN_WORKERS: json.dumps([worker._asdict() for worker in self._workers.values()])}

    def forked(self) -> None:
        """In a forked child, which is no worker, and has told where its spans are through its parent."""
        self._has_told = True
        self._workers = {}
