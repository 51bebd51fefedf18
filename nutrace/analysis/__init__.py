"""Questions asked of a trace: pure functions that return frozen dataclasses. Times are in ns."""

from __future__ import annotations

from nutrace.analysis.components import ComponentCost, component_costs
from nutrace.analysis.each_step import Step, each_step
from nutrace.analysis.failures import Failure, failures
from nutrace.analysis.inside import inside_spans
from nutrace.analysis.regions import Region, Regions, divide
from nutrace.analysis.report import Report, report
from nutrace.analysis.run import Run
from nutrace.analysis.samples import Inside, InsideSpans, Samples, samples_of
from nutrace.analysis.scenarios import Scenarios, scenarios_of
from nutrace.analysis.spans import SpanCost, span_costs
from nutrace.analysis.steps import StepTimes, step_times
from nutrace.analysis.summary import Lost, Overhead, Summary, summarize
from nutrace.analysis.work import Work, work

__all__ = [
    "ComponentCost",
    "Failure",
    "Inside",
    "InsideSpans",
    "Lost",
    "Overhead",
    "Region",
    "Regions",
    "Report",
    "Run",
    "Samples",
    "Scenarios",
    "SpanCost",
    "Step",
    "StepTimes",
    "Summary",
    "Work",
    "component_costs",
    "divide",
    "each_step",
    "failures",
    "inside_spans",
    "report",
    "samples_of",
    "scenarios_of",
    "span_costs",
    "step_times",
    "summarize",
    "work",
]
