"""Periods that a query names, such as "last week", and words for times: see decision 38."""

from .period import Period, find_period
from .when import TIME_WORDS, asks_when

__all__ = ["TIME_WORDS", "Period", "asks_when", "find_period"]
