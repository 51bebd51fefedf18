"""What ``nutrace bench`` says at its end, as text and as JSON."""

from __future__ import annotations

import shlex
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from nutrace.bench.folder import FAILED
from nutrace.bench.record import Record
from nutrace.bench.session import Session
from nutrace.bench.variants import Combination, combinations
from nutrace.cli.compare_json import as_json as comparison_json
from nutrace.cli.compare_numbers import number
from nutrace.cli.compare_section import Row, Section
from nutrace.cli.compare_sections import effect_sections
from nutrace.cli.compare_text import section_text
from nutrace.cli.json_output import pick
from nutrace.cli.report_style import Style
from nutrace.cli.table import Column
from nutrace.cli.tones import Tone
from nutrace.comparison import Comparison, Kind
from nutrace.comparison.gates import FEWEST_RUNS
from nutrace.comparison.interaction import Interaction, interactions
from nutrace.printable import LINE, printable
from nutrace.recording.command_line import without_secrets
from nutrace_exporters.labels import counted

Together = Sequence[Tuple[Combination, Sequence[Interaction]]]


def together(session: Session) -> List[Tuple[Combination, List[Interaction]]]:
    """The variants that combine others, with what they bring against the sum of these."""
    base = session.figures(session.record.variants[0])
    found = []
    for each in combinations(session.record.variants):
        parts = [session.figures(part) for part in each.parts]
        figures = [] if each.rest else interactions(base, parts, session.figures(each.whole))
        found.append((each, figures))
    return found


def as_text(
    session: Session,
    compared: Mapping[str, Comparison],
    combined: Together,
    doubts: Sequence[str],
    style: Style,
    limit: int,
) -> str:
    """The machine, the effect of each variant, and the interactions."""
    record = session.record
    base = record.variants[0].name
    parts = [_head(record, session, doubts, style)]
    for variant in record.variants[1:]:
        heading = style.title(f"{variant.name} against {base}: {printable(variant.description, LINE)}")
        if variant.name not in compared:
            parts.append(f"{heading}\n{style.line('has not run', Tone.BAD)}")
            continue
        made = effect_sections(compared[variant.name], limit)
        parts.append("\n\n".join([heading, *(section_text(section, style) for section in made)]))
    parts += [
        section_text(_interaction(each, found), style) for each, found in combined if found or each.rest
    ]
    return "\n\n".join(parts) + "\n"


def _head(record: Record, session: Session, doubts: Sequence[str], style: Style) -> str:
    machine = record.machine
    lines = [style.title(f"nutrace bench: {printable(shlex.join(without_secrets(record.command)), LINE)}")]
    runs = ", ".join(f"{each.name} {len(session.figures(each))}" for each in record.variants)
    lines.append(style.line(f"runs that count: {runs}; in the order of bench.json, seed {record.seed}"))
    failed = sum(bool(run.problem) for run in record.ran)
    if failed:
        lines.append(style.line(f"{counted(failed, 'run')} failed: see the folder {FAILED}", Tone.BAD))
    first = record.ran[0].machine if record.ran else {}
    facts = [f"{machine['processors']} processors", f"governor {machine['governor'] or 'unknown'}"]
    if first.get("load") is not None:
        facts.append(f"load {first['load']:.1f} before the first run")
    if first.get("page_cache_mb") is not None:
        facts.append(f"{first['page_cache_mb']:,} MB of files in memory")
    base = session.figures(record.variants[0])
    if base:
        facts.append(base[0].identity.interpreter)
    lines.append(style.line(f"{printable(str(machine['host']))}: {printable(', '.join(facts), LINE)}"))
    warnings = [*doubts, *(f"speedup not at work in {reason}" for reason in session.idle)]
    lines += [style.line(f"warning: {printable(text, LINE)}", Tone.DOUBTFUL) for text in warnings]
    return "\n".join(lines)


def _interaction(combination: Combination, found: Sequence[Interaction]) -> Section:
    names = [part.name for part in combination.parts]
    heading = f"{combination.whole.name} against the sum of {' and '.join(names)}"
    if combination.rest:
        rest = printable(", ".join(combination.rest), LINE)
        return Section(heading, (f"Not comparable: no variant changes the rest of it alone ({rest}).",))
    columns = [Column("figure", right=False), *(Column(name, rank=5) for name in names), Column("sum")]
    columns += [Column("together"), Column("interaction"), Column("95 %", rank=4), Column("", right=False)]
    rows = tuple(Row(tuple(_cells(each))) for each in found)
    line = "What each changes alone, the sum of that, and what they change together."
    return Section(heading, (line,), tuple(columns), rows)


def _cells(each: Interaction) -> Iterator[str]:
    yield printable(each.figure, 80)
    for value in (*each.parts, sum(each.parts), each.together, each.interaction):
        yield _signed(each.figure, value)
    known = each.low is not None and each.high is not None
    yield f"({_signed(each.figure, each.low)} to {_signed(each.figure, each.high)})" if known else ""
    yield _meaning(each)


def _signed(figure: str, value: Any) -> str:
    text = number(figure, value)
    return text if value is None or value < 0 else f"+{text}"


def _meaning(each: Interaction) -> str:
    if each.beyond_chance is None:
        return f"a time needs {FEWEST_RUNS} runs"
    if not each.beyond_chance:
        return "the sum" if each.kind is Kind.COUNT else "not more than chance"
    return (
        "together less is saved than apart" if each.interaction > 0 else "together more is saved than apart"
    )


def as_json(
    session: Session, compared: Mapping[str, Comparison], combined: Together, doubts: Sequence[str]
) -> Dict[str, Any]:
    """The document of ``--json``: ``variants`` has the documents of ``nutrace compare --json``."""
    record = session.record
    return {
        "base": record.variants[0].name,
        "seed": record.seed,
        "machine": record.machine,
        "warnings": [*doubts, *(f"speedup not at work in {reason}" for reason in session.idle)],
        "runs": {each.name: [run.file for run in record.counted(each)] for each in record.variants},
        "variants": [
            {"variant": name, **comparison_json(comparison, ())} for name, comparison in compared.items()
        ],
        "interactions": [
            {
                "variant": each.whole.name,
                "parts": [part.name for part in each.parts],
                "rest": list(each.rest),
                "figures": [_interaction_json(item) for item in found],
            }
            for each, found in combined
        ],
    }


def _interaction_json(each: Interaction) -> Dict[str, Any]:
    return {
        **pick(each, "figure", "together", "interaction", "low", "high", "p", "beyond_chance"),
        "kind": each.kind.value,
        "parts": list(each.parts),
        "sum": sum(each.parts),
    }
