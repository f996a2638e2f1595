"""Whether this process is shutting down. Long waits end when it is."""

import threading

# Not ready for new requests, but still answering those that arrive.
draining = threading.Event()
# Finishing the requests in progress.
stopping = threading.Event()
