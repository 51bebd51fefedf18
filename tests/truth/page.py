"""The table of the laboratory, in Markdown."""

from __future__ import annotations

from typing import Iterator, List, Optional, Sequence, Tuple

from truth.laboratory import Results, middle_and_worst
from truth.questions import Question
from truth.registry import Program
from truth.tools.tool import Tool

NUTRACE = "nutrace"

_FIRST = """# What tools say, beside what is so

Programs whose functions clock their own work run beside nutrace and beside other tools, one after the other.
This page shows how far each tool's numbers are from the truth. `python tests/benchmarks/truth.py` makes it.

A cell is the median of the rounds and, in brackets, the worst of them. `%` is the error of what the tool
says, or what the program becomes slower by: 0 is true. The tool nearest to the truth is **bold**; several
are, if the difference is less than a point. `x` is what a tool costs as a multiple of what it says that it
costs: 1 is true. A dash: the tool does not say it.

A function's self time is here the time in it and in what it calls outside of the program, but in no other
function of the program. The truth is what the program's clock says around each loop, in the same run, with
what reading the clock takes. A tool that makes the loop itself slower is therefore not wrong about it, and
the rows on slower programs show it.
"""


def page(every: Sequence[Results], programs: Sequence[Program], tools: Sequence[Tool]) -> str:
    """The whole page, a part for each of the results; of the tools only those that have runs."""
    used = [tool for tool in tools if any(name == tool.name for each in every for _, name, _ in each.runs)]
    lines = [_FIRST, "## What the tools mean by their numbers", ""]
    lines += [f"- **{tool.title}**: {tool.meaning}" for tool in used]
    for results in every:
        lines += ["", *_part(results, programs, used)]
        absent = [tool for tool in tools if tool.name in results.missing]
        if absent:
            why = "; ".join(f"{tool.title} ({results.missing[tool.name]})" for tool in absent)
            lines += ["", f"Without {why}."]
    return "\n".join(lines) + "\n"


def _part(results: Results, programs: Sequence[Program], tools: Sequence[Tool]) -> Iterator[str]:
    machine = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    yield from (f"## {machine.partition(',')[0]}", "", f"Measured with {machine}.")
    missed = list(_missed(results, programs))
    if missed:
        yield from ("", "### Where nutrace is farther from the truth than it should be", "", *missed)
    for program in programs:
        asked = [tool for tool in tools if not program.tools or tool.name in program.tools]
        if any(name == program.name for name, _, _ in results.runs):
            title = f"{program.title[0].upper()}{program.title[1:]}"
            yield from ("", f"### {title}", "", *_table(results, program, asked))
    failures = results.failures()
    if failures:
        yield from ("", "### Runs that failed", "", *(f"- {failure}" for failure in failures))


def _missed(results: Results, programs: Sequence[Program]) -> Iterator[str]:
    """A line for each question whose aim nutrace does not reach in the median of the rounds."""
    for program in programs:
        for question in program.questions:
            answer = middle_and_worst(question, results.answers(program, NUTRACE, question))
            if answer is not None and question.aim is not None and not question.reached(answer[0]):
                said, aim = _number(question.unit, answer[0]), _number(question.unit, question.aim)
                what = f"{program.title}, {question.text}"
                yield f"- {what}: {said}, where {aim.lstrip('+')} is the aim. {question.why}"


def _table(results: Results, program: Program, tools: Sequence[Tool]) -> Iterator[str]:
    yield f"| | {' | '.join(tool.title for tool in tools)} |"
    yield "|---" * (len(tools) + 1) + "|"
    for question in program.questions:
        answers = [
            middle_and_worst(question, results.answers(program, tool.name, question)) for tool in tools
        ]
        yield f"| {question.text} | {' | '.join(_cells(question, answers))} |"


def _cells(question: Question, answers: Sequence[Optional[Tuple[float, float]]]) -> List[str]:
    distances = [abs(answer[0] - question.true) for answer in answers if answer is not None]
    near = min(distances, default=0.0) + (1.0 if question.unit == "%" else 0.0)
    cells = []
    for answer in answers:
        if answer is None:
            cells.append("-")
            continue
        text = _number(question.unit, answer[0])
        if question.unit == "%" and abs(answer[0]) <= near:
            text = f"**{text}**"
        cells.append(f"{text} ({_number(question.unit, answer[1])})")
    return cells


def _number(unit: str, value: float) -> str:
    if unit == "%":
        return f"{value:+.1f} %" if abs(value) < 100 else f"{value:+.0f} %"
    if unit == "times":
        return f"{value:.1f} x"
    if unit == "calls":
        return f"{value:,.0f}"
    return f"{value:.1f} {unit}"
