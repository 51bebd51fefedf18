"""Both runs and their comparison; and if they differ, whether the program repeats itself at all."""

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
    """What came of it.

    Parameters
    ----------
    compared:
        Stock and the run with speedups.
    at_work:
        By speedup, whether it was in use; one whose part of the program never ran was not.
    again:
        The stock run and a second one, run if the others differ.
    notes:
        What somebody should know who relies on it.
    output:
        Last lines of a run with speedups that failed.
    """

    compared: Compared
    at_work: Dict[str, bool]
    again: Optional[Compared] = None
    notes: List[str] = field(default_factory=list)
    output: str = ""

    @property
    def repeatable(self) -> Optional[bool]:
        """Whether two stock runs are equal; ``None`` if it did not matter."""
        return None if self.again is None else self.again.equal


def verify(words: Sequence[str], speedups: str, folder: Path, tick: Tick) -> Verdict:
    """Run the command in `words` as it is and with `speedups`, and compare.

    Parameters
    ----------
    folder:
        A folder that is there and empty; everything stays in it.

    Raises
    ------
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
            "no simulation was seen in the stock run: it ran none, or in a Python without nutrace"
        )
    changed = run_program(words, folder / WITH, speedups, tick)
    if changed.code:
        # The program went another way: that, too, is what came of the speedups.
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
    said = switched_on(changed)
    for name in names:
        if name not in said:
            own = [line for line in changed.stderr if line.startswith("nutrace: ")]
            reason = own[0].partition(": ")[2] if own else "its process said nothing of it"
            raise VerificationError(f"{name} was not switched on: {reason}")
        if said[name]["refused"]:
            raise VerificationError(
                f"{name} does not fit this program, and was not used: {said[name]['refused']}"
            )
    return {name: bool(said[name]["at_work"]) for name in names}


def _notes(stock: Run, changed: Run) -> List[str]:
    notes = [f"not compared, as this program lacks it: {reason}" for reason in stock.missing]
    both = sorted(set(stock.outside) & set(changed.outside))
    notes += [
        f"both runs wrote into {folder}, which the program names itself: pass it on as {{output}}"
        for folder in both
    ]
    notes += [
        f"outputs are in {folder} as well" for folder in sorted(set(stock.outside) ^ set(changed.outside))
    ]
    return notes
