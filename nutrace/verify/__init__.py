"""A program run twice, without and with speedups: everything that it simulates, held against each other."""
