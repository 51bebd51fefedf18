"""What the examples of docstrings and of docs/notebooks.md are about: a folder with runs, always the same.

``run.json`` is a small evaluation: three workers simulate four scenarios of ten steps with IDM, one worker is
killed, and the planner is sampled. ``runs`` has two such runs, and ``bench`` the runs of two variants.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

from fakes.evaluation import FIRST_PID, write_evaluation
from fakes.evaluation_shapes import RUN
from fakes.otlp import attributes
from fakes.runs import write_runs

from nutrace.sampling.stacks import Stacks
from nutrace.semconv import SAMPLES

_PLANNER = "/home/user/nuplan-devkit/nuplan/planning/simulation/planner/"
_RUN = ("SimulationRunner.run", RUN.file, RUN.line)
_COMPUTE = ("IDMPlanner.compute_planner_trajectory", f"{_PLANNER}idm_planner.py", 67)
_PATH = ("IDMPlanner._get_starting_segment", f"{_PLANNER}idm_planner.py", 86)
_OCCUPANCY = ("AbstractIDMPlanner._construct_occupancy_map", f"{_PLANNER}abstract_idm_planner.py", 141)
_UNION = ("unary_union", "/home/user/env/shapely/ops.py", 151)
_SCATTER = (1.0, 1.01, 0.99, 1.005, 0.995)


def write_examples(folder: Path) -> None:
    """Write the files."""
    (folder / "runs").mkdir()
    for name, seed in (("base", 8), ("new", 9)):
        write_evaluation(folder, 4, 10, 3, seed=seed).path.replace(folder / "runs" / f"{name}.json")
    _sample(write_evaluation(folder, 4, 10, 3, seed=6).path)
    write_runs(folder / "bench" / "base", [60 * part for part in _SCATTER])
    write_runs(folder / "bench" / "cache", [50.5 * part for part in reversed(_SCATTER)], statements=1)


def _sample(file: Path) -> None:
    """Add the samples of a worker's planner to its run file."""
    stacks = Stacks("py-spy 0.4.3", 100.0)
    for below, count in (((), 12), ((_PATH,), 15), ((_OCCUPANCY,), 18), ((_OCCUPANCY, _UNION), 55)):
        stacks.add((_RUN, _COMPUTE, *below), count)
    document: Dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    for each in document["resourceSpans"]:
        said = each["resource"]["attributes"]
        if {"key": "process.pid", "value": {"intValue": str(FIRST_PID)}} in said:
            said += attributes({SAMPLES: stacks.text()})
    file.write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")
