"""A miniature simulation: the devkit's structure and query pattern, at a fraction of its size.

It is no simulator: it exists so that there is something to trace where the nuPlan devkit is not
installed. It knows nothing of nutrace, which traces it from outside as it traces the devkit.
"""
