"""Run the program with and without speedups and compare; if they differ, see whether it repeats itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from nutrace.errors import UsageError, VerificationError
from nutrace.speedups.registry import chosen
from nutrace.verify.compare import Compared, compare
from nutrace.verify.difference import Difference
from nutrace.verify.runs import Run, Tick, failed, run_program, switched_on, tail

STOCK, WITH, AGAIN = "stock", "with", "stock-again"


@dataclass
class Verdict:
    """The result of a verification.

    Parameters
    ----------
    compared:
        The comparison of the stock run with the run with speedups.
    at_work:
        By speedup, whether it did anything. It did not if the part of the program it speeds up never ran.
    again:
        The comparison of the stock run with a second stock run; made only if the others differ.
    notes:
        Reservations, a line each.
    output:
        The last lines of the run with speedups, if it failed.
    """

    compared: Compared
    at_work: Dict[str, bool]
    again: Optional[Compared] = None
    notes: List[str] = field(default_factory=list)
    output: str = ""

    @property
    def repeatable(self) -> Optional[bool]:
        """Whether two stock runs are equal; ``None`` if there was no second one."""
        return None if self.again is None else self.again.equal


def verify(words: Sequence[str], speedups: str, folder: Path, tick: Tick) -> Verdict:
    """Run a command without and with speedups, and compare.

    Parameters
    ----------
    words:
        The command and its arguments.
    speedups:
        As in ``NUTRACE_SPEEDUPS``.
    folder:
        An existing empty folder, in which everything is written.
    tick:
        Called some times a second with a text for the progress line.

    Raises
    ------
    UsageError
        If no speedup is named.
    SettingsError
        For an unknown speedup or a bad option.
    VerificationError
        If the stock run fails, nothing is simulated, or a speedup is not switched on.
    """
    names = [each.speedup.name for each in chosen(speedups)]
    if not names:
        raise UsageError("no speedup to verify: name some with --with, or all; see nutrace speedups")
    stock = run_program(words, folder / STOCK, "", tick)
    if stock.code:
        raise failed(stock, STOCK)
    if not stock.simulations:
        raise VerificationError(
            "no simulation was seen in the stock run: it did not simulate, or ran in a Python without nutrace"
        )
    changed = run_program(words, folder / WITH, speedups, tick)
    if changed.code:
        # The stock run succeeded and this one failed: that is a difference, not an error of ours.
        ended = Difference("the program", None, "end", "", stock.ending, changed.ending)
        verdict = Verdict(Compared([ended]), {}, output=tail("\n".join(changed.stderr)))
    else:
        verdict = Verdict(compare(stock.record, changed.record), _at_work(changed, names))
    if verdict.compared.equal and not verdict.compared.steps:
        raise VerificationError("no step was seen in the simulations: there is nothing to compare")
    verdict.notes += _notes(stock, changed)
    if not verdict.compared.equal:
        again = run_program(words, folder / AGAIN, "", tick)
        if again.code:
            raise failed(again, "second stock")
        verdict.again = compare(stock.record, again.record)
    return verdict


def _at_work(changed: Run, names: Sequence[str]) -> Dict[str, bool]:
    reported = switched_on(changed)
    for name in names:
        if name not in reported:
            own = [line for line in changed.stderr if line.startswith("nutrace: ")]
            reason = own[0].partition(": ")[2] if own else "its process did not mention it"
            raise VerificationError(f"{name} was not switched on: {reason}")
        if reported[name]["refused"]:
            raise VerificationError(
                f"{name} does not fit this program, and was not used: {reported[name]['refused']}"
            )
    return {name: bool(reported[name]["at_work"]) for name in names}


def _notes(stock: Run, changed: Run) -> List[str]:
    notes = [f"not compared, because this program lacks it: {reason}" for reason in stock.missing]
    both = sorted(set(stock.outside) & set(changed.outside))
    notes += [
        f"both runs wrote into {folder}, which the program chose: write {{output}} for it in the command"
        for folder in both
    ]
    notes += [
        f"one run also wrote into {folder}" for folder in sorted(set(stock.outside) ^ set(changed.outside))
    ]
    return notes
