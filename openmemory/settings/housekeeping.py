"""How long what is no longer wanted is kept, and how often the server clears up."""

from core import env

HUNDRED_YEARS = 36_500

# Not less often than every day, which jobs are kept for at least: the last one tells when the
# next is due.
HOUSEKEEPING_HOURS = env.integer("OPENMEMORY_HOUSEKEEPING_HOURS", 24, minimum=1, maximum=24)

# Days after which what was deleted is purged, and the log of accesses is forgotten. 0 is never.
DELETED_KEEP_DAYS = env.integer(
    "OPENMEMORY_DELETED_KEEP_DAYS", 30, minimum=0, maximum=HUNDRED_YEARS
)
ACCESSES_KEEP_DAYS = env.integer(
    "OPENMEMORY_ACCESSES_KEEP_DAYS", 0, minimum=0, maximum=HUNDRED_YEARS
)
