"""Run a program without and with speedups, and compare everything that it simulates.

``runs`` starts the program, ``recorder`` notes every step's results inside it, ``record`` and ``canonical``
write them, ``compare`` finds the first difference, and ``verdict`` is the whole, for the command line.
"""
