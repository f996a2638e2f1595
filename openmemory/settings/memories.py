"""How memories are categorised and recalled."""

from openmemory import env

# The categories that memories are put into; none stands for those of memories/taxonomy.py. The
# database takes names of this length. All are told to the language model in each call.
CATEGORIES = env.names("OPENMEMORY_CATEGORIES", most=100, longest=100)

# Memories of one user up to which a search compares all vectors exactly; above it, a job gives the
# user an index of their own.
EXACT_SEARCH_LIMIT = env.integer(
    "OPENMEMORY_EXACT_SEARCH_LIMIT", 20_000, minimum=100, maximum=10_000_000
)

# Seconds for which a search waits for an embedding model that is asked over the network. Then it
# answers by words alone.
SEARCH_EMBEDDING_SECONDS = env.integer(
    "OPENMEMORY_SEARCH_EMBEDDING_SECONDS", 3, minimum=1, maximum=60
)

# Whether another embedding model that is chosen over the API waits, once all memories are embedded
# by it, for `manage.py reembed`.
REEMBED_HOLD = env.boolean("OPENMEMORY_REEMBED_HOLD", False)
