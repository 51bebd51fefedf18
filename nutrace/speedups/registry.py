"""The speedups there are, and which of them ``NUTRACE_SPEEDUPS`` names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List

from nutrace.errors import SettingsError
from nutrace.speedups.speedup import Speedup

VARIABLE = "NUTRACE_SPEEDUPS"
_ALL = "all"
_LONGEST = 60  # characters of what is wrong, in a message

SPEEDUPS = (
    Speedup(
        "traffic_light_cache",
        "nutrace.speedups.traffic_light_cache",
        "each frame's traffic lights are queried once per scenario, and kept",
        "NuPlanScenario.get_traffic_light_status_at_iteration",
    ),
    Speedup(
        "connection_pool",
        "nutrace.speedups.connection_pool",
        "queries take connections from a pool instead of opening one each",
        "query_session.execute_many and execute_one, SessionManager; SQLAlchemy 1.4 or 2.0",
    ),
    Speedup(
        "indexes",
        "nutrace.speedups.indexes",
        "each frame's traffic lights and objects are found by an index; made if the log has none: in the "
        "log if it may be written, else in a copy",
        "query_session.execute_many and execute_one",
        # Whoever says all has not said that his logs may be changed.
        in_all={"place": "copy"},
    ),
    Speedup(
        "row_cache",
        "nutrace.speedups.row_cache",
        "rows of a query are kept, and given to who asks an unchanged log the same again",
        "query_session.execute_many and execute_one",
    ),
    Speedup(
        "scenario_prefetch",
        "nutrace.speedups.scenario_prefetch",
        "what each frame is asked for is read for all frames of a scenario in a few queries",
        "query_session.execute_many and execute_one, Simulation.initialize",
    ),
    Speedup(
        "map_cache",
        "nutrace.speedups.map_cache",
        "the map's questions of place go to an index of the layer instead of all its rows",
        "NuPlanMap and its utils; shapely 2, geopandas",
    ),
    Speedup(
        "propagation",
        "nutrace.speedups.propagation",
        "what there was before a simulation is left out of the garbage collections that its history causes; "
        "trackers and agents get poses and lines without the objects around them",
        "SimulationRunner.run, get_interpolated_reference_trajectory_poses, path_to_linestring",
    ),
)


@dataclass(frozen=True)
class Chosen:
    """A speedup that is to be switched on, with its options."""

    speedup: Speedup
    options: Any


def chosen(text: str) -> List[Chosen]:
    """What ``NUTRACE_SPEEDUPS`` asks for: names between commas, or ``all``; each with options
    after colons if need be: ``traffic_light_cache:entries=500,connection_pool``.

    Raises
    ------
    SettingsError
        For an unknown name or option, a value out of range, and for a name given twice.
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
    found: Dict[str, Any] = {}
    for word in words:
        name, _, text = (part.strip() for part in word.partition("="))
        if name not in defaults:
            raise SettingsError(
                f"{VARIABLE}: {row.name} has no option {name[:_LONGEST]!r}: use {', '.join(defaults)}"
            )
        if name in found:
            raise SettingsError(f"{VARIABLE}: {row.name} is given {name} twice")
        try:
            found[name] = type(defaults[name])(text)
        except ValueError:
            raise SettingsError(
                f"{VARIABLE}: {row.name}:{name}={text[:_LONGEST]!r} is not a number"
            ) from None
    return found
