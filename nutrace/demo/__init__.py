"""Run a simulation to trace: the nuPlan devkit on synthetic data or, where it is missing, a miniature."""
