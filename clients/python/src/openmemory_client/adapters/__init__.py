"""Adapters for agent frameworks. Each module needs the framework of its name, and no other."""
