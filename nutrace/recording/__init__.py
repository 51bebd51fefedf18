"""Recording: how a call becomes a span, and how spans get from the program's threads to the run file.

A probe makes a span (``span``) and hands it over (``composites``) to its thread's buffer (``buffers``). The
``recorder`` empties the buffers in the background, and the ``writer`` encodes what was in them and appends it
to the run file (``runfile``, over ``appended``, ``compressed``, ``names`` and ``locks``). At the end the
files of the run's processes are joined (``joining``).
"""
