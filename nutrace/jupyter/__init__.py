"""Traces in a notebook: the summary card, tables, and the flamegraph."""

from __future__ import annotations

from nutrace.jupyter.card import card
from nutrace.jupyter.cost_tables import (
    component_table,
    copy_table,
    cost_table,
    scenario_table,
    statement_table,
)
from nutrace.jupyter.flamegraph import Flamegraph, flamegraph
from nutrace.jupyter.parquet import to_parquet
from nutrace.jupyter.plots_components import plot_components
from nutrace.jupyter.plots_scenarios import plot_scenarios
from nutrace.jupyter.plots_steps import plot_steps
from nutrace.jupyter.span_card import scenario_card, span_card
from nutrace.jupyter.tables import sample_table, span_table, step_table
from nutrace.jupyter.tree import Tree, tree_below, tree_of
from nutrace.jupyter.worker_table import worker_table
from nutrace.trace.views import Views

#: What :func:`nutrace.load` registers.
VIEWS = Views(
    card=card,
    spans=span_table,
    steps=step_table,
    components=component_table,
    scenarios=scenario_table,
    workers=worker_table,
    statements=statement_table,
    deepcopies=copy_table,
    to_parquet=to_parquet,
    costs=cost_table,
    samples=sample_table,
    flamegraph=flamegraph,
    plot_steps=plot_steps,
    plot_components=plot_components,
    plot_scenarios=plot_scenarios,
    tree=tree_of,
    tree_below=tree_below,
    span_card=span_card,
    scenario_card=scenario_card,
)

__all__ = [
    "VIEWS",
    "Flamegraph",
    "Tree",
    "card",
    "component_table",
    "copy_table",
    "cost_table",
    "flamegraph",
    "plot_components",
    "plot_scenarios",
    "plot_steps",
    "sample_table",
    "scenario_card",
    "span_card",
    "scenario_table",
    "span_table",
    "statement_table",
    "step_table",
    "to_parquet",
    "tree_below",
    "tree_of",
]
