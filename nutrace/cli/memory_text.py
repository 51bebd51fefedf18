"""What the commands say about the memory of workers."""

from __future__ import annotations

from typing import List, Optional, Sequence

from nutrace.analysis.evaluation.memory_growth import GrowthPart
from nutrace.analysis.evaluation.worker_memory import WorkerMemory
from nutrace.cli.report_style import Style
from nutrace.cli.table import Column
from nutrace_exporters.labels import counted

_SIZES_GB = (16.0, 64.0)  # where the file does not say how much memory the machine has
_MOST_COMPONENTS = 3
_SMALLEST_PART = 0.1
_UNKNOWN = "the run did not record it"
_MODEL = (
    "A model: the driver, and for each worker the most that one of the run's needed, with its steady growth "
    "over an even share of the"
)
_THREADS = (
    "A model: the process as its first scenario found it, what all scenarios left in it, and for each thread "
    "an even part of the rest of the peak."
)
_SHARED = "Memory that processes share counts for each of them, and other programs need some as well."
_NOT_KNOWN = (
    "Which call keeps what grew is not known: memory is read when scenarios begin and end, and after steps."
)


def memory_line(memory: Optional[WorkerMemory]) -> str:
    """What workers need and how many fit, in one line."""
    if memory is None or memory.per_worker_mb is None:
        return _UNKNOWN
    return f"{_needs(memory, memory.per_worker_mb)}: {_fits(memory)}"


def memory_lines(memory: Optional[WorkerMemory], style: Style) -> List[str]:
    """The same with all sizes of machines, and the model."""
    if memory is None or memory.per_worker_mb is None:
        return [style.line(_UNKNOWN)]
    columns = [Column("machine", right=False), *(Column(f"{gb:g} GB") for gb, _ in memory.fits)]
    row = ["workers at most", *(f"{workers:,}" for _, workers in memory.fits)]
    lines = [style.line(f"{_needs(memory, memory.per_worker_mb)}."), style.table(columns, [row])]
    if memory.machine_gb is not None:
        lines.append(style.below_table(f"The run's machine has {memory.machine_gb:g} GB."))
    model = _THREADS if memory.threads else f"{_MODEL} {counted(memory.scenarios, 'scenario')}."
    lines += [style.line(model), style.line(_SHARED)]
    return [*lines, style.line(_NOT_KNOWN)] if memory.grew_in else lines


def _needs(memory: WorkerMemory, per_worker_mb: float) -> str:
    what = "a worker thread adds" if memory.threads else "a worker needs"
    reading = "at its peak" if memory.by_kernel else "at its highest reading"
    parts = [f"{what} {_mb(per_worker_mb)} MB {reading}"]
    if memory.driver_mb is not None:
        held = "its process held" if memory.driver_simulates else "the driver"
        before = " before its first scenario" if memory.driver_simulates else ""
        parts.append(f"{held} {_mb(memory.driver_mb)} MB{before}")
    return ", ".join([*parts, _growth(memory)])


def _fits(memory: WorkerMemory) -> str:
    """How many workers fit into the machine of the run, or into usual ones; it is a model."""
    sizes = _SIZES_GB if memory.machine_gb is None else (memory.machine_gb,)
    (gb, workers), *more = [(gb, memory.fit(gb)) for gb in sizes]
    if not workers:
        return f"not one such worker fits into {gb:g} GB"
    words = f"at most {counted(workers, 'such worker')} {'fits' if workers == 1 else 'fit'} into {gb:g} GB"
    return words + "".join(f", {workers:,} into {gb:g} GB" for gb, workers in more)


def _growth(memory: WorkerMemory) -> str:
    if memory.growth_mb_per_scenario is None:
        return "its growth not known"
    if not memory.steady:
        return "no steady growth"
    text = f"and grows by {_mb(memory.growth_mb_per_scenario)} MB a scenario"
    return text + (f" ({growth_words(memory.grew_in)})" if memory.grew_in else "")


def growth_words(parts: Sequence[GrowthPart]) -> str:
    """What memory grew by in which parts of the scenarios, with what ran there; small parts are left out."""
    least = _SMALLEST_PART * max(abs(part.per_scenario) for part in parts)
    return ", ".join(_part(part) for part in parts if abs(part.per_scenario) >= least)


def _part(part: GrowthPart) -> str:
    text = f"{part.per_scenario / 1e6:+,.1f} {part.part}"
    shown = [name for name, share in part.components if share >= _SMALLEST_PART][:_MOST_COMPONENTS]
    return f"{text}, where {' and '.join(shown)} ran" if shown and part.per_scenario > 0 else text


def _mb(size: float) -> str:
    return f"{size:,.1f}"
