"""Something to trace: the nuPlan devkit on synthetic data, or a miniature where it is missing."""
