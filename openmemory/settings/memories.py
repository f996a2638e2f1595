"""How memories are categorised and recalled."""

from core import env

# The categories that memories are put into; none stands for those of
# memories/taxonomy.py. The database takes names of this length. All are told to the
# language model in each call.
CATEGORIES = env.names("OPENMEMORY_CATEGORIES", max_names=100, max_length=100)

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

# What a search counts for how much. The defaults were chosen on conversations of LoCoMo, and moving
# one of them by a quarter changes little: see docs/decisions and `benchmarks/recall.py --sweep`.
# With nearby words, context and speaker at 0 nothing counts but a memory itself, and nothing else
# is read.

# Nearness in meaning, and words, each from 0 to 1 among the candidates.
RECALL_SIMILARITY = env.number("OPENMEMORY_RECALL_SIMILARITY", 0.6, minimum=0, maximum=1)
RECALL_WORDS = env.number("OPENMEMORY_RECALL_WORDS", 0.4, minimum=0, maximum=1)

# Of the words of the best neighbour, what a memory counts as words of its own.
RECALL_NEARBY_WORDS = env.number("OPENMEMORY_RECALL_NEARBY_WORDS", 0.4, minimum=0, maximum=1)

# Of the score of the best neighbour, what a memory is lifted by, and what is left of it with each
# place away.
RECALL_CONTEXT = env.number("OPENMEMORY_RECALL_CONTEXT", 0.25, minimum=0, maximum=1)
RECALL_CONTEXT_PER_PLACE = env.number(
    "OPENMEMORY_RECALL_CONTEXT_PER_PLACE", 0.8, minimum=0, maximum=1
)

# That the question names who said it.
RECALL_SPEAKER = env.number("OPENMEMORY_RECALL_SPEAKER", 0.15, minimum=0, maximum=1)
