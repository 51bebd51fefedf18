"""The simulation log: a history with its planner, pickled and compressed."""

from __future__ import annotations

import lzma
import os
import pickle
from dataclasses import dataclass

from nutrace.demo.miniature.history import History
from nutrace.demo.miniature.planner import AbstractPlanner


@dataclass(frozen=True)
class SimulationLog:
    """A history, with its scenario's token and the planner, as the devkit's has them."""

    path: str
    scenario_token: str
    planner: AbstractPlanner
    simulation_history: History

    def save_to_file(self) -> None:
        """Write the log; make its directory if it is missing."""
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        self._dump_to_pickle()

    def _dump_to_pickle(self) -> None:
        content = pickle.dumps(self, protocol=4)
        with lzma.open(self.path, "wb", preset=0) as file:
            file.write(content)
