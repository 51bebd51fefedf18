"""What ``nutrace advise`` prints for people."""

from __future__ import annotations

from typing import List, Optional, Sequence

from nutrace.advice import Advice, Ranked
from nutrace.advice.proof import PROGRAM, Proof
from nutrace.cli.fitting import beginning, columns_of, wrapped
from nutrace.cli.report_style import Style, ms, percent
from nutrace.cli.tones import Tone
from nutrace.printable import LINE, printable

_WIDTH = 108
_MUCH = 0.5  # of a step: if nobody knows what more than this does, that comes first
_LEAST_TITLE = 24  # columns of what is not worth it


def as_text(advice: Advice, file: str, command: str, selection: str, style: Style, *, limit: int) -> str:
    """The whole answer; `limit` is the number of findings in a section, 0 for all."""
    page = _Page(advice, limit, style)
    lines = [style.title(f"nutrace advise: {printable(file, LINE)}")]
    if selection:
        lines.append(style.line(f"Only {printable(selection, LINE)} of the run:"))
    if advice.steps:
        each = "" if advice.interval_s is None else f", each simulates {advice.interval_s * 1e3:.6g} ms"
        lines.append(style.line(f"{advice.steps:,} steps of {ms(advice.step_ns)} ms{each}; {_run(advice)}"))
    else:
        lines.append(style.line(f"no finished steps; {_run(advice)}"))
    least = f"{advice.worth * 100:g} %"
    look = ["", *page.to_look_into()] if advice.to_look_into else []
    look_first = advice.unknown_share > _MUCH
    if look_first:
        lines += look
    if advice.steps:
        nothing = f"Nothing worth doing above {least} of a step."
        lines += ["", *page.section("In the steps", advice.in_steps, nothing)]
        if len(advice.in_steps) > 1:
            left = advice.step_ns - sum(each.likely.step_ns for each in advice.in_steps)
            together = f"With all of these a step likely takes {ms(left)} ms: each saves of what is left."
            lines.append(style.line(together, Tone.STRONG))
    nothing = f"Nothing worth doing above {least} of the run."
    lines += ["", *page.section("Around the steps", advice.around, nothing)]
    if not look_first:
        lines += look
    if advice.small:
        more = " (--limit 0 shows why)" if limit else ""
        heading = style.heading(f"Less than {least}, alone or of what the changes above leave{more}")
        lines += ["", heading, *page.small()]
    lines += [style.line(f"note: {printable(note, LINE)}") for note in advice.notes]
    if page.names_program:
        lines += ["", style.command(f"{PROGRAM} is: {printable(command, len(command))}")]
    return "\n".join(lines)


def _run(advice: Advice) -> str:
    took = f"the run took {advice.wall_ns / 1e9:,.1f} s"
    more = advice.run_ns > advice.wall_ns
    return f"{took}, its threads {advice.run_ns / 1e9:,.1f} s together" if more else took


class _Page:
    """Sections of findings."""

    def __init__(self, advice: Advice, limit: int, style: Style) -> None:
        self._advice = advice
        self._limit = limit
        self._style = style
        self.names_program = False

    def section(self, title: str, findings: Sequence[Ranked], nothing: str) -> List[str]:
        """A heading, and the findings or that there are none."""
        lines = [self._style.heading(title)]
        shown = findings[: self._limit] if self._limit else findings
        for number, ranked in enumerate(shown, 1):
            lines += self._finding(number, ranked)
        if len(findings) > len(shown):
            lines.append(self._style.line(f"and {len(findings) - len(shown):,} more: --limit 0 shows all"))
        return lines if findings else [*lines, self._style.line(nothing)]

    def to_look_into(self) -> List[str]:
        """The findings of which it is not known what they save; what all of them say is said once, below."""
        found = self._advice.to_look_into
        shown = found[: self._limit] if self._limit else found
        share = self._advice.unknown_share
        title = f"To look into: {share:.0%} of a step" if share else "To look into"
        lines = [self._style.heading(title)]
        because = {each.finding.because for each in shown}
        proofs = [set(each.finding.proof) for each in shown]
        shared = [proof for proof in shown[0].finding.proof if proof in set.intersection(*proofs)]
        for number, ranked in enumerate(shown, 1):
            own = [proof for proof in ranked.finding.proof if proof not in shared]
            lines += self._finding(number, ranked, own, why=len(because) > 1)
        if len(found) > len(shown):
            lines.append(self._style.line(f"and {len(found) - len(shown):,} more: --limit 0 shows all"))
        if len(shown) > 1 and (shared or len(because) == 1):
            lines.append(self._style.line("For all of these:"))
        if len(because) == 1:
            lines += self._item("why", shown[0].finding.because)
        return lines + self._commands("do", shared)

    def _finding(
        self, number: int, ranked: Ranked, proof: Optional[Sequence[Proof]] = None, *, why: bool = True
    ) -> List[str]:
        """A finding, with its own commands if no others are given."""
        finding = ranked.finding
        title = f"{number:2d}. {printable(finding.title, LINE)}"
        lines = [self._style.text(title, indent=2, hanging=4, tone=Tone.STRONG)]
        if finding.saves:
            lines += self._item("saves", self._saving(ranked), Tone.GOOD)
        for label, text in zip(["shows", *[""] * len(finding.evidence)], finding.evidence):
            lines += self._item(label, text)
        sure = f"{finding.sureness.value}: {finding.because}" if finding.saves else finding.because
        if why:
            lines += self._item("sure" if finding.saves else "why", sure)
        commands = finding.proof if proof is None else proof
        return lines + self._commands("prove" if finding.saves else "do", commands)

    def _commands(self, label: str, commands: Sequence[Proof]) -> List[str]:
        lines = []
        for number, proof in enumerate(commands):
            command = self._style.command(printable(self._short(proof), LINE), indent=13)
            lines.append(f"      {'' if number else label:5s}  {command[13:]}")
        return lines

    def _item(self, label: str, text: str, tone: Tone = Tone.PLAIN) -> List[str]:
        width = min(_WIDTH, self._style.width or _WIDTH) - 13
        parts = wrapped(printable(text, 1000), width)
        return [
            self._style.parts([(f"      {label if not line else '':5s}  ", Tone.QUIET), (part, tone)])
            for line, part in enumerate(parts)
        ]

    def _saving(self, ranked: Ranked) -> str:
        advice = self._advice
        if ranked.in_steps:
            likely, stretch, alone = (each.step_ns for each in (ranked.likely, ranked.stretch, ranked.alone))
            unit, whole = "a step", advice.step_ns
        else:
            likely, stretch, alone = (each.run_ns for each in (ranked.likely, ranked.stretch, ranked.alone))
            unit, whole = "in the run", advice.run_ns
            if advice.scenarios > 1:
                unit += f" ({ms(likely / advice.scenarios)} ms a scenario)"
        text = f"likely {ms(likely)} ms {unit}, {percent(likely, whole)}"
        if stretch > likely * 1.001:
            text += f"; at best {ms(stretch)} ms"
        if alone > likely * 1.05:
            text += f"; {ms(alone)} ms if it is the only change"
        return text + ("; in traced runs only" if ranked.finding.only_traced else "")

    def _short(self, proof: Proof) -> str:
        self.names_program = self.names_program or proof.short != proof.full
        return proof.short

    def small(self) -> List[str]:
        """A line for each finding that is not worth it; what it was seen by if all is wanted."""
        lines = []
        width = min(_WIDTH, self._style.width or _WIDTH) - 2
        for ranked in self._advice.small:
            per_step = ranked.in_steps
            alone, likely = (
                each.step_ns if per_step else each.run_ns for each in (ranked.alone, ranked.likely)
            )
            unit = "a step" if per_step else "in the run"
            left = f", {ms(likely)} of it left" if alone > likely * 1.05 else ""
            whole = self._advice.step_ns if per_step else self._advice.run_ns
            traced = ", traced runs only" if ranked.finding.only_traced else ""
            saves = f": {ms(alone)} ms {unit}, {percent(alone, whole)}{left}{traced}"
            title = printable(ranked.finding.title, LINE)
            room = max(width - columns_of(saves), _LEAST_TITLE)
            if self._limit and columns_of(title) > room:
                title = f"{beginning(title, room - 3).rstrip()}..."
            lines.append(self._style.text(f"{title}{saves}", indent=2, hanging=2))
            for evidence in () if self._limit else ranked.finding.evidence:
                shown = printable(evidence, _WIDTH - 6)
                lines.append(self._style.text(shown, indent=6, hanging=2, tone=Tone.QUIET))
        return lines
