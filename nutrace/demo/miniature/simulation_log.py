"""The simulation log: a history, pickled and compressed."""

from __future__ import annotations

import lzma
import os
import pickle
from dataclasses import dataclass

from nutrace.demo.miniature.history import History


@dataclass(frozen=True)
class SimulationLog:
    """A history, with its scenario and planner."""

    path: str
    scenario_token: str
    planner_name: str
    history: History

    def save_to_file(self) -> None:
        """Write the log; make its directory if it is missing."""
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        self._dump_to_pickle()

    def _dump_to_pickle(self) -> None:
        content = pickle.dumps((self.scenario_token, self.planner_name, self.history), protocol=4)
        with lzma.open(self.path, "wb", preset=0) as file:
            file.write(content)
