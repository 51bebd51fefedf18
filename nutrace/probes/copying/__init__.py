"""Probes on ``copy`` and ``pickle``: a span for each call of the program's, by caller and type."""
