"""What changed between two sets of runs: pure functions of many traces."""
