"""Probes on public planners, a module for each. They wait until the planner is imported."""
