"""What speedups do around a fork: see :mod:`nutrace.forks`, which serves tracing as well."""

from nutrace.forks import Forking as Forking
from nutrace.forks import watch as watch
