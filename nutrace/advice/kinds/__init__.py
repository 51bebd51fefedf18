"""One module for each kind of finding, see :mod:`nutrace.advice.registry`."""
