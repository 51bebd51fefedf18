"""What records SQLAlchemy 1.4 and 2.0: statements, fetches and the pool. Imports none of it."""
