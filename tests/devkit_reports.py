"""Print what the devkit's own files say of the scenarios of a run, as JSON by their tokens.

``devkit_reports.py OUT`` reads ``runner_report.parquet`` (whether a simulation succeeded, when it began by
``time.perf_counter``, and its time up to the end of its last step) and the simulation logs (how many steps
they have).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas
from nuplan.planning.simulation.simulation_log import SimulationLog

if __name__ == "__main__":
    out = Path(sys.argv[1])
    (report,) = out.rglob("runner_report.parquet")
    told = {
        row.scenario_name: {
            "finished": bool(row.succeeded),
            "log": row.log_name,
            "start_s": row.start_time,
            "until_last_step_s": row.duration,
        }
        for row in pandas.read_parquet(report).itertuples()
    }
    for file in out.rglob("*.msgpack.xz"):
        log = SimulationLog.load_data(file)
        told[log.scenario.token]["steps"] = len(log.simulation_history)
    print(json.dumps(told))
