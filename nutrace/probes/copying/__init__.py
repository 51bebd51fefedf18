"""Probes on ``copy`` and ``pickle``: a span for each call that the program makes, by caller and type."""
