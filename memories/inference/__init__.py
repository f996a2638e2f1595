"""Turn what was said into facts that are worth remembering, with a language model.

`extracting` asks for the facts of a text, `comparing` which of them are new, `applying` does
what follows, and `job` is the three of them in the background. What was sent is stored before
any of it, and stays as it is when any of it fails.
"""
