"""PostgreSQL as Django's own backend has it, but for how connections of the pool are checked."""
