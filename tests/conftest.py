"""Fixtures of all tests. Being here it also puts ``tests/`` on the path: ``from fakes.otlp import document``."""
