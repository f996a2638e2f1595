"""The tools at `/mcp`: those of the hosted Mem0 server, by the same names, and a few more.

Each is a function of a caller and of the arguments from a language model. The model reads the
docstring to decide whether to call the tool.
"""
