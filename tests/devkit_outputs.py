"""Print the outputs of a simulation as JSON; equal outputs give equal JSON, floats bit for bit.

``devkit_outputs.py DIRECTORY``, run by the devkit's interpreter, because it reads simulation logs with the
devkit's own reader. Times are left out: runtimes of the planner, and file names with a time.
"""

from __future__ import annotations

import json
import sys
from enum import Enum
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any, Dict, FrozenSet

import numpy as np
import pandas as pd
from nuplan.planning.simulation.simulation_log import SimulationLog
from shapely.geometry.base import BaseGeometry

_PLAIN = (type(None), bool, int, str)


def plain(value: Any, above: FrozenSet[int] = frozenset()) -> Any:
    """`value` and all its attributes as lists and texts; floats bit for bit."""
    if isinstance(value, Enum):
        return [type(value).__name__, value.name]
    if type(value) in _PLAIN:
        return value
    if isinstance(value, float):
        return float(value).hex()
    if isinstance(value, np.ndarray):
        return [value.dtype.str, list(value.shape), plain(value.tolist(), above)]
    if isinstance(value, np.generic):
        return [value.dtype.str, plain(value.item(), above)]
    if isinstance(value, BaseGeometry):
        return value.wkb_hex
    if isinstance(value, (FunctionType, MethodType, type)):
        return value.__qualname__
    if id(value) in above:
        return "a cycle"
    above |= {id(value)}
    if isinstance(value, dict):
        return [[plain(key, above), plain(item, above)] for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [plain(item, above) for item in value]
    state: Dict[str, Any] = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        slots = vars(kind).get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, slot):
                state[slot] = getattr(value, slot)
    if not state:
        raise TypeError(f"{type(value)} shows nothing to compare")
    return [type(value).__qualname__, *([name, plain(state[name], above)] for name in sorted(state))]


def simulation(file: Path) -> Dict[str, Any]:
    """The history in a simulation log."""
    log = SimulationLog.load_data(file)
    samples = log.simulation_history.data
    parts = ("iteration", "ego_state", "trajectory", "observation", "traffic_light_status")
    return {
        "scenario": [log.scenario.token, log.scenario.log_name, log.scenario.scenario_type],
        "planner": [log.planner.name(), type(log.planner).__qualname__],
        **{part: [plain(getattr(sample, part)) for sample in samples] for part in parts},
    }


def table(file: Path) -> Any:
    """The columns and cells of a metric file."""
    frame = pd.read_parquet(file)
    return {column: [str(frame[column].dtype), plain(list(frame[column]))] for column in frame}


if __name__ == "__main__":
    root = Path(sys.argv[1])
    logs = sorted(root.rglob("*.msgpack.xz"))
    metrics = sorted(root.rglob("metrics/*.parquet"))
    scores = sorted(root.rglob("aggregator_metric/*.parquet"))
    outputs = {
        "simulations": [simulation(log) for log in logs],
        "metrics": {metric.stem: table(metric) for metric in metrics},
        "scores": [table(score) for score in scores],
    }
    json.dump(outputs, sys.stdout)
