"""Extract facts from a memory with a language model, and merge them with existing memories.

`extract` asks for the facts of a text, `reconcile` compares them with similar memories, `apply`
stores the result, and `jobs` runs the three in the background. The memory is stored before any of
it, and stays as it was sent if any of it fails.
"""
