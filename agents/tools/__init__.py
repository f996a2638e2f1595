"""The tools at `/mcp`, by the names of the hosted Mem0 server and a few more.

Each is a plain function of a caller and of what a model sends. Its docstring is what the model
reads to decide whether to call it.
"""
