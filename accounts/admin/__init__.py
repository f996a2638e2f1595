from . import groups, keys, users  # noqa: F401 - each registers its page
