"""The log of changes, which triggers of the database write: memories/migrations/0034_log.sql."""
