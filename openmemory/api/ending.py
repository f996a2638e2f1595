"""Whether this process was told to stop: what would wait for long then does not."""

import threading

ending = threading.Event()
