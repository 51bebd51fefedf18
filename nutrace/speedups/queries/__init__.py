"""How query speedups answer the devkit's queries."""

from nutrace.speedups.queries.chain import Answer, Chain, Learner
from nutrace.speedups.queries.rows import Rows

__all__ = ["Answer", "Chain", "Learner", "Rows"]
