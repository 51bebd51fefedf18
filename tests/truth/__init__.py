"""The laboratory: programs that know the truth, and the tools beside them. `benchmarks/truth.py` runs it."""
