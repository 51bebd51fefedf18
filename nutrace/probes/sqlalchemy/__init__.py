"""Probes on SQLAlchemy 1.4 and 2.0: statements, fetches and the pool. They do not import it."""
