"""Periods that a query names, such as "last week": see decision 38."""

from .period import Period, find_period

__all__ = ["Period", "find_period"]
