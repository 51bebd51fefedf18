"""Probes on ``sqlite3``: connections and cursors that record."""
