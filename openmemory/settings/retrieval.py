"""Categories, re-embedding and search."""

from core import env

# The categories of memories; by default the built-in ones of memories/taxonomy.py. The database
# limits the length of names. Each prompt to the language model lists all categories.
CATEGORIES = env.names("OPENMEMORY_CATEGORIES", max_names=100, max_length=100)

# Up to this number of memories a search compares all vectors of a user exactly. Above it, a job
# builds an index for the user.
EXACT_SEARCH_LIMIT = env.integer(
    "OPENMEMORY_EXACT_SEARCH_LIMIT", 20_000, minimum=100, maximum=10_000_000
)

# Seconds that a search waits for a remote embedding model. Then it falls back to keywords alone.
SEARCH_EMBEDDING_SECONDS = env.integer(
    "OPENMEMORY_SEARCH_EMBEDDING_SECONDS", 3, minimum=1, maximum=60
)

# Whether a migration to another embedding model, started over the API, waits for
# `manage.py reembed` after its backfill.
REEMBED_HOLD = env.boolean("OPENMEMORY_REEMBED_HOLD", False)

# Whether each reading is also a line of the log of changes.
LOG_READINGS = env.boolean("OPENMEMORY_LOG_READINGS", False)

# Scoring weights. The defaults were tuned on LoCoMo and LongMemEval; changing one by a quarter has
# little effect: see docs/decisions/0051-ranking.md and `benchmarks/recall.py --sweep`. With nearby
# words, context and answers at 0, only the memory itself counts, and no neighbours are read.

# Vector similarity and the lexical score, each normalised to 0 to 1 among the candidates.
RECALL_SIMILARITY = env.number("OPENMEMORY_RECALL_SIMILARITY", 0.48, minimum=0, maximum=1)
RECALL_WORDS = env.number("OPENMEMORY_RECALL_WORDS", 0.35, minimum=0, maximum=1)

# What is said beside a memory: the best neighbour's lexical score, the best of the half hour around
# it, and the question that it answers.
RECALL_NEARBY_WORDS = env.number("OPENMEMORY_RECALL_NEARBY_WORDS", 0.17, minimum=0, maximum=1)
RECALL_CONTEXT = env.number("OPENMEMORY_RECALL_CONTEXT", 0.24, minimum=0, maximum=1)
RECALL_ANSWERS = env.number("OPENMEMORY_RECALL_ANSWERS", 0.25, minimum=0, maximum=1)

# The boost if the query names the speaker.
RECALL_SPEAKER = env.number("OPENMEMORY_RECALL_SPEAKER", 0.25, minimum=0, maximum=1)
# The boost for words for times where the query asks when.
RECALL_WHEN = env.number("OPENMEMORY_RECALL_WHEN", 0.2, minimum=0, maximum=1)
# How well the tokens match, where the model gives their vectors. They take the place of most of the
# similarity and half of the words: see docs/decisions/0052-token-vectors.md. 0 switches it off.
RECALL_TOKENS = env.number("OPENMEMORY_RECALL_TOKENS", 0.5, minimum=0, maximum=1)
# The boost for memories with all words of a query of keywords or with a number or code.
RECALL_ALL_WORDS = env.number("OPENMEMORY_RECALL_ALL_WORDS", 0.6, minimum=0, maximum=1)
# The boost for memories of the period that the query names.
RECALL_TIME = env.number("OPENMEMORY_RECALL_TIME", 0.3, minimum=0, maximum=1)

# A search returns nothing where the probability that any memory answers is lower than this, unless
# the client sends `min_score`. 0 switches the floor off: see memories/search/likelihood.py.
SEARCH_FLOOR = env.number("OPENMEMORY_SEARCH_FLOOR", 0.2, minimum=0, maximum=1)
