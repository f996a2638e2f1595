from . import client_list, connection_list  # noqa: F401 - each registers its page
