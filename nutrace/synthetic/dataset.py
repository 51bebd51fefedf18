"""Write a whole data set: log, maps, and the environment variables that the devkit finds them by."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Union

from nutrace.errors import InputError, OutputError
from nutrace.synthetic.log import Progress, blocks_needed, log_name, write_log
from nutrace.synthetic.maps import require_map_packages, write_maps
from nutrace.synthetic.spec import LogSpec

_LOGS = os.path.join("dataset", "nuplan-v1.1", "splits", "mini")
_SENSORS = os.path.join("dataset", "nuplan-v1.1", "sensor_blobs")
_MAPS = os.path.join("dataset", "maps")
_EXPERIMENTS = "exp"


@dataclass(frozen=True)
class Dataset:
    """The location of a data set; `directory` is absolute."""

    directory: str
    name: str

    @property
    def log_file(self) -> str:
        """The log's SQLite file."""
        return os.path.join(self.directory, _LOGS, f"{self.name}.db")

    @property
    def environment(self) -> Dict[str, str]:
        """The environment variables that the devkit reads."""
        return {
            "NUPLAN_DATA_ROOT": os.path.join(self.directory, "dataset"),
            "NUPLAN_MAPS_ROOT": os.path.join(self.directory, _MAPS),
            "NUPLAN_EXP_ROOT": os.path.join(self.directory, _EXPERIMENTS),
        }

    def exports(self) -> List[str]:
        """The variables as ``export`` lines for a shell."""
        return [f"export {name}={shlex.quote(value)}" for name, value in self.environment.items()]


def find_dataset(directory: Union[str, os.PathLike[str]]) -> Dataset:
    """Find a data set that was written, by the first of its logs.

    Raises
    ------
    InputError
        If there is none.
    """
    place = os.path.abspath(directory)
    logs = sorted(Path(place, _LOGS).glob("*.db"))
    if not logs:
        raise InputError(f"{os.fspath(directory)} has no log: write one with nutrace synth")
    return Dataset(place, logs[0].stem)


def write_dataset(
    directory: str, spec: LogSpec, *, maps: bool = True, progress: Optional[Progress] = None
) -> Dataset:
    """Write a data set, all of it or nothing.

    Parameters
    ----------
    directory:
        A directory that is empty or does not exist yet.
    maps:
        Whether to write maps; the miniature needs none.
    progress:
        Called with the number of frames written, and of all frames.

    Raises
    ------
    MissingDependencyError
        If maps are wanted and geopandas or pyogrio is not installed.
    OutputError
        If the directory is not empty or cannot be written, or the disk is full.
    """
    if maps:
        require_map_packages()
    directory = os.path.abspath(directory)
    with _failures_in_one_line(directory), _staged(directory) as stage:
        for folder in (_LOGS, _SENSORS, _MAPS, _EXPERIMENTS):
            os.makedirs(os.path.join(stage, folder))
        name = log_name(spec)
        write_log(os.path.join(stage, _LOGS, f"{name}.db"), spec, progress)
        if maps:
            write_maps(os.path.join(stage, _MAPS), blocks_needed(spec))
    return Dataset(directory, name)


@contextlib.contextmanager
def _failures_in_one_line(directory: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "; free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        raise OutputError(f"cannot write into {directory}: {reason}{hint}") from error
    except (sqlite3.Error, RuntimeError) as error:  # GDAL raises RuntimeError
        raise OutputError(f"cannot write into {directory}: {error}") from error


@contextlib.contextmanager
def _staged(directory: str) -> Iterator[str]:
    """Yield a temporary directory inside `directory`; move its content up if the block succeeds."""
    if os.path.isdir(directory) and os.listdir(directory):
        raise OutputError(f"{directory} is not empty: name a new directory")
    if os.path.lexists(directory) and not os.path.isdir(directory):
        raise OutputError(f"{directory} is not a directory: name a new one")
    made = _make_directories(directory)
    stage = ""
    try:
        stage = tempfile.mkdtemp(prefix=".unfinished-", dir=directory)
        yield stage
        for entry in sorted(os.listdir(stage)):
            os.rename(os.path.join(stage, entry), os.path.join(directory, entry))
        os.rmdir(stage)
    except BaseException:  # after Ctrl-C, too, nothing half-written stays
        if stage:
            shutil.rmtree(stage, ignore_errors=True)
        for folder in reversed(made):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        raise


def _make_directories(directory: str) -> List[str]:
    """Make a directory and its missing parents; return the new ones, outermost first."""
    missing: List[str] = []
    folder = directory
    while not os.path.exists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    made: List[str] = []
    for folder in reversed(missing):
        try:
            os.mkdir(folder)
        except OSError:
            for earlier in reversed(made):
                os.rmdir(earlier)
            raise
        made.append(folder)
    return made
