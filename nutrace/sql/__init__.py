"""The texts of SQL statements, with what may be a value folded away."""
