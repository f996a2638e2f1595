"""Whether this process was told to stop: what would wait for long then does not."""

import threading

# It is to be sent no further requests, though it still answers them.
draining = threading.Event()
# It finishes what it has in hand.
stopping = threading.Event()
