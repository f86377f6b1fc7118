"""The store in SQL: SQLite for one machine, PostgreSQL for many. The only package that knows SQLAlchemy."""
