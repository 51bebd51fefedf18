"""``python -m nutrace.demo LOG DIR [key=value ...]``: run the miniature on a synthetic log.

With NUTRACE=1 it is traced, by the catalogue's probes and those in :mod:`nutrace.demo.probes`. The options
are those of :mod:`nutrace.demo.miniature.config`. A planner of your own is a class in a module of the current
directory, derived from :class:`nutrace.demo.miniature.planner.AbstractPlanner`::

    python -m nutrace.demo LOG.db DIR planner.class=my_planner.MyPlanner \\
        scenario.type=low_magnitude_speed,medium_magnitude_speed scenario.count=12 scenario.frames=31
"""

from __future__ import annotations

import os
import sys
from typing import List

from nutrace._running import asked_for


def _trace() -> None:
    """Add the miniature's probes if this process is traced. The miniature must not be imported yet."""
    if not asked_for(os.environ):
        return
    from nutrace.probes.switch import switch

    if not switch:
        # The start-up file did not run: nutrace is on the path, but not installed.
        import nutrace._autostart  # noqa: F401
    if switch:
        from nutrace.demo.probes import PROBES
        from nutrace.session import instrument

        instrument().engine.add(PROBES)  # returns the session that is running


def main(arguments: List[str]) -> int:
    """Simulate and print a summary; return the exit code."""
    if len(arguments) < 2:
        print("usage: NUTRACE=1 python -m nutrace.demo LOG.db DIR [scenario.frames=151 ...]", file=sys.stderr)
        return 2
    _trace()
    from nutrace.demo.miniature.config import ConfigError
    from nutrace.demo.miniature.metadata import has_sqlalchemy
    from nutrace.demo.miniature.runner import run_simulation

    log_file, directory, *overrides = arguments
    reader = "SQLAlchemy" if has_sqlalchemy() else "sqlite3 (SQLAlchemy is not installed)"
    print(f"miniature simulation of {log_file}; log metadata through {reader}")
    try:
        reports = run_simulation(log_file, directory, overrides)
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for report in reports:
        print(f"scenario {report.scenario_token}: {report.steps} steps with {report.planner_name}")
    print(f"simulation log and metrics are in {directory}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
