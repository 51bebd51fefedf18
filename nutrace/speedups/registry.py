"""The speedups there are, and which of them ``NUTRACE_SPEEDUPS`` names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List

from nutrace.errors import SettingsError, did_you_mean
from nutrace.speedups.options import Options
from nutrace.speedups.speedup import Speedup

VARIABLE = "NUTRACE_SPEEDUPS"
_ALL = "all"
_LONGEST = 60  # characters that a message quotes

SPEEDUPS = (
    Speedup(
        "traffic_light_cache",
        "nutrace.speedups.traffic_light_cache",
        "queries each frame's traffic lights once per scenario, and returns copies of them after that",
        "NuPlanScenario.get_traffic_light_status_at_iteration",
    ),
    Speedup(
        "connection_pool",
        "nutrace.speedups.connection_pool",
        "runs queries on connections that stay open, instead of opening one for each",
        "query_session.execute_many and execute_one, SessionManager; SQLAlchemy 1.4 or 2",
    ),
    Speedup(
        "indexes",
        "nutrace.speedups.indexes",
        "finds each frame's traffic lights and objects by an index; makes it if the log has none: in the log "
        "if that may be written, else in a copy",
        "query_session.execute_many and execute_one",
        # Somebody who writes all has not asked for changes to logs.
        in_all={"place": "copy"},
    ),
    Speedup(
        "row_cache",
        "nutrace.speedups.row_cache",
        "returns cached rows for a query that was run before, while the log is unchanged",
        "query_session.execute_many and execute_one",
    ),
    Speedup(
        "scenario_prefetch",
        "nutrace.speedups.scenario_prefetch",
        "reads what is queried for each frame of a scenario for all its frames, in a few queries",
        "query_session.execute_many and execute_one, Simulation.initialize",
    ),
    Speedup(
        "map_cache",
        "nutrace.speedups.map_cache",
        "looks map objects up in a spatial index of the layer, instead of scanning all its rows",
        "NuPlanMap and its utils; shapely 2, geopandas",
    ),
    Speedup(
        "propagation",
        "nutrace.speedups.propagation",
        "keeps objects that are older than the simulation out of garbage collections; gives trackers and "
        "agents poses and lines without the objects around them",
        "SimulationRunner.run, get_interpolated_reference_trajectory_poses, path_to_linestring",
    ),
)


@dataclass(frozen=True)
class Chosen:
    """A speedup that is to be switched on, with its options."""

    speedup: Speedup
    options: Options


def chosen(text: str) -> List[Chosen]:
    """The speedups that ``NUTRACE_SPEEDUPS`` names, between commas, or ``all``.

    Options follow a name after colons: ``traffic_light_cache:entries=500,connection_pool``.

    Raises
    ------
    SettingsError
        For an unknown name or option, a value out of bounds, and a name that has options twice.
    """
    rows = {row.name: row for row in SPEEDUPS}
    given: Dict[str, Dict[str, Any]] = {}
    named = set()
    for words in text.split(","):
        name, *options = (word.strip() for word in words.split(":"))
        if not name and not options:
            continue
        if name == _ALL:
            if options:
                raise SettingsError(f"{VARIABLE}: options follow the name of one speedup, not {_ALL}")
            for each in rows:
                given.setdefault(each, {})
            continue
        if name not in rows:
            raise SettingsError(
                f"{VARIABLE}: unknown speedup {name[:_LONGEST]!r}: use {', '.join(rows)}, or {_ALL}"
                f"{did_you_mean(name, rows)}"
            )
        if given.get(name):
            raise SettingsError(f"{VARIABLE} names {name} twice, with options")
        named.add(name)
        given[name] = _options(rows[name], options)
    return [
        Chosen(row, row.options({**({} if row.name in named else row.in_all), **given[row.name]}))
        for row in SPEEDUPS
        if row.name in given
    ]


def _options(row: Speedup, words: List[str]) -> Dict[str, Any]:
    defaults = row.defaults()
    given: Dict[str, Any] = {}
    for word in words:
        name, _, text = (part.strip() for part in word.partition("="))
        if name not in defaults:
            raise SettingsError(
                f"{VARIABLE}: {row.name} has no option {name[:_LONGEST]!r}: use {', '.join(defaults)}"
            )
        if name in given:
            raise SettingsError(f"{VARIABLE}: {row.name} is given {name} twice")
        try:
            given[name] = type(defaults[name])(text)
        except ValueError:
            raise SettingsError(
                f"{VARIABLE}: {row.name}:{name}={text[:_LONGEST]!r} is not a number"
            ) from None
    return given
