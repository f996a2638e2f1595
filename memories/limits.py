"""The limits of what is stored, for the API, the agents' tools and archives alike."""

MAX_TEXT_BYTES = 32 * 1024  # of a memory, and of a query
MAX_METADATA_BYTES = 16 * 1024
MAX_MESSAGES = 200  # of a conversation that is sent as one memory
MAX_BULK = 1_000  # memories that one request stores
MAX_IDS = 10_000  # memories of one request
MAX_FILTER_VALUES = 100  # of one filter
MAX_CONDITIONS = 100  # of one filter on metadata
MAX_FILTER_DEPTH = 8  # of its `and`, `or` and `not`
MAX_CATEGORIES = 500  # of one user, who has dozens

# Characters.
MAX_NAME = 255  # of an actor, a conversation and an app
MAX_SPEAKER_NAME = 64  # of a message
MAX_CATEGORY_NAME = 100
MAX_CATEGORY_DESCRIPTION = 1000
