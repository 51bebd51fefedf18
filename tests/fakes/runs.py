"""Write run files whose times and counts a test chooses, as a simulation with one scenario leaves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from fakes.otlp import RESOURCE, document, write

C = "nutrace.component"
STEPS = 10
_STATEMENT = {
    C: "database",
    "db.system.name": "sqlite",
    "db.operation.name": "SELECT",
    "db.namespace": "/log.db",
    "db.query.text": "SELECT light FROM lights WHERE token = ?",
    "nutrace.sql.statement": "abcd",
    "nutrace.sql.execute_ns": 1_000_000,
    "db.response.returned_rows": 3,
}


def write_run(
    path: Path,
    step_ms: float,
    *,
    statements: int = 2,
    token: str = "token-1",
    steps: int = STEPS,
    name: str = "planner.compute",
    attributes: Optional[Dict[str, Any]] = None,
) -> Path:
    """Write a run of equal steps: half of each is the planner's, and each statement takes 1 ms.

    Parameters
    ----------
    step_ms:
        Time of a step.
    statements:
        Statements in each step.
    token:
        The scenario.
    name:
        Name of the planner's span.
    attributes:
        Of the resource, besides an id of the run's own.
    """
    resource = {**RESOURCE, "nutrace.run.id": str(path), **(attributes or {})}
    scenario = {C: "simulation", "nuplan.scenario.token": token, "nuplan.scenario.type": "turning"}
    whole = 1000 * step_ms
    tree: List[Any] = [_step(index, whole, statements, name) for index in range(steps)]
    run = ("simulation.run", 0, whole * max(steps, 1) + 10, tree, scenario)
    path.parent.mkdir(parents=True, exist_ok=True)
    return write(path, document(run, resource=resource))


def _step(index: int, whole: float, statements: int, name: str) -> Any:
    begin = index * whole
    inside: List[Any] = [(name, begin, begin + whole / 2, {C: "planner"})]
    for number in range(statements):
        start = begin + whole / 2 + 1000 * number
        inside.append(("sqlite3.statement", start, start + 1000, _STATEMENT))
    about = {C: "simulation", "nutrace.step.index": index, "nutrace.step.simulated_interval_s": 0.1}
    return ("simulation.step", begin, begin + whole, inside, about)


def write_runs(folder: Path, step_ms: Sequence[float], **options: Any) -> Path:
    """Write a run file for each time, and return the folder."""
    for number, time in enumerate(step_ms, 1):
        write_run(folder / f"{number:02d}.json", time, **options)
    return folder
