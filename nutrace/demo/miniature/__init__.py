"""A miniature simulation with the devkit's structure and query pattern, at a fraction of its size.

It exists so that there is something to trace where the nuPlan devkit is not installed; its results are of no
use. It does not use nutrace's probes or recorder: nutrace traces it from outside, like the devkit.
"""
