"""The list of catalogues, and which probes a process applies."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Dict, Iterable, Optional, Tuple, Union

from nutrace.errors import ProbeError
from nutrace.probes.catalogue.copies import in_mode
from nutrace.probes.catalogue.user_file import read_probe_file, read_project
from nutrace.probes.probe import Probe
from nutrace.settings import LEVELS, Settings, working_folder

ENTRY_POINTS = "nutrace.probes"
_PLANNERS = "nutrace.probes.catalogue.planners"


@dataclass(frozen=True)
class Catalogue:
    """A module that declares probes in its ``PROBES``; imported when they are loaded.

    Parameters
    ----------
    name:
        What the probes are on. For a planner it is also the ``distribution`` of its probes.
    module:
        Dotted.
    sign:
        For a planner, a module that only this planner has: it is installed where that can be found.
    """

    name: str
    module: str
    sign: str = ""

    def load(self) -> Tuple[Probe, ...]:
        """The probes of this catalogue."""
        probes: Tuple[Probe, ...] = importlib.import_module(self.module).PROBES
        return probes


CATALOGUES = (
    Catalogue("simulation", "nutrace.probes.catalogue.nuplan_simulation"),
    Catalogue("planning", "nutrace.probes.catalogue.nuplan_planning"),
    Catalogue("scenario", "nutrace.probes.catalogue.nuplan_scenario"),
    Catalogue("database", "nutrace.probes.catalogue.nuplan_database"),
    Catalogue("map", "nutrace.probes.catalogue.nuplan_map"),
    Catalogue("outputs", "nutrace.probes.catalogue.nuplan_outputs"),
    Catalogue("startup", "nutrace.probes.catalogue.nuplan_startup"),
    Catalogue("sqlite", "nutrace.probes.catalogue.sqlite"),
    Catalogue("copies", "nutrace.probes.catalogue.copies"),
    Catalogue("garbage", "nutrace.probes.catalogue.garbage"),
    Catalogue("sqlalchemy", "nutrace.probes.catalogue.sqlalchemy"),
    Catalogue("tuplan_garage", f"{_PLANNERS}.tuplan_garage", "tuplan_garage.planning.simulation"),
    Catalogue("planTF", f"{_PLANNERS}.plantf", "src.planners.imitation_planner"),
    Catalogue("pluto", f"{_PLANNERS}.pluto", "src.planners.pluto_planner"),
    Catalogue("Diffusion-Planner", f"{_PLANNERS}.diffusion_planner", "diffusion_planner.planner.planner"),
    Catalogue("interPlan", f"{_PLANNERS}.interplan", "interplan.planning"),
    Catalogue("navsim", f"{_PLANNERS}.navsim", "navsim.agents"),
)


def planner_catalogues() -> Tuple[Catalogue, ...]:
    """The catalogues of planners that are packages of their own, and may not be installed."""
    return tuple(catalogue for catalogue in CATALOGUES if catalogue.sign)


def planner_of(probe: Probe) -> str:
    """The name of the planner that `probe` is on; "" for a probe on anything else."""
    return probe.distribution if any(probe.distribution == each.name for each in planner_catalogues()) else ""


def built_in() -> Tuple[Probe, ...]:
    """Every probe that nutrace ships."""
    return tuple(probe for catalogue in CATALOGUES for probe in catalogue.load())


def from_entry_points() -> Tuple[Probe, ...]:
    """Probes of installed packages: each ``nutrace.probes`` entry point is an iterable of them.

    Raises
    ------
    ProbeError
        If an entry point cannot be loaded, or is not an iterable of probes.
    """
    return tuple(probe for entry_point in _entry_points() for probe in _load(entry_point))


def for_settings(settings: Settings, folder: Optional[Path] = None) -> Tuple[Probe, ...]:
    """The probes that a process with these settings applies.

    Parameters
    ----------
    folder:
        Where the search for pyproject.toml begins; by default the current directory.

    Raises
    ------
    ProbeError
        If a declaration cannot be right or the probe file cannot be read.
    """
    probes = collect(settings.probes or None, working_folder() if folder is None else folder)
    return in_mode(at_level(probes, settings.level), settings.deepcopy)


def collect(file: Optional[Union[str, Path]] = None, folder: Optional[Path] = None) -> Tuple[Probe, ...]:
    """All probes of all levels: built in, of entry points, of the project and of the user's file.

    A later declaration replaces an earlier one of the same target, so a user can put a probe of
    the catalogue on another level or give it another name.

    Parameters
    ----------
    file:
        TOML file with ``[[probe]]`` tables (``NUTRACE_PROBES``).
    folder:
        The nearest pyproject.toml in it or above it is read for ``[[tool.nutrace.probes]]``.

    Raises
    ------
    ProbeError
        If a declaration cannot be right or the file cannot be read.
    """
    sources = (
        built_in(),
        from_entry_points(),
        read_project(folder) if folder is not None else (),
        read_probe_file(file) if file is not None else (),
    )
    by_target: Dict[str, Probe] = {}
    for probes in sources:
        by_target.update((probe.target, probe) for probe in probes)
    return tuple(by_target.values())


def at_level(probes: Iterable[Probe], level: str) -> Tuple[Probe, ...]:
    """The probes that are active at `level`: those of this level and of the coarser ones.

    Raises
    ------
    ProbeError
        If there is no such level.
    """
    if level not in LEVELS:
        raise ProbeError(f"unknown level {level!r}: use one of {', '.join(LEVELS)}")
    active = LEVELS[: LEVELS.index(level) + 1]
    return tuple(probe for probe in probes if probe.level in active)


def _entry_points() -> Tuple[metadata.EntryPoint, ...]:
    if sys.version_info >= (3, 10):
        return tuple(metadata.entry_points(group=ENTRY_POINTS))
    # A distribution that is on the path twice (an editable install) lists its entry points twice.
    return tuple(dict.fromkeys(metadata.entry_points().get(ENTRY_POINTS, ())))


def _load(entry_point: metadata.EntryPoint) -> Tuple[Probe, ...]:
    where = f"entry point {entry_point.name!r} of group {ENTRY_POINTS} ({entry_point.value})"
    try:
        probes = tuple(entry_point.load())
    except Exception as error:  # a module of another package may raise anything when it is imported
        raise ProbeError(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error
    for probe in probes:
        if not isinstance(probe, Probe):
            raise ProbeError(f"{where} gives {type(probe).__name__}: make it an iterable of nutrace Probe")
    return probes
