"""The bounds of a connection and a request, per process."""

# Open connections. Beyond it the one that has waited longest for a request is closed.
CONNECTIONS = 8192

HEADERS = 100
HEADER_BYTES = 64 * 1024
TARGET_BYTES = 60 * 1024  # the parser takes no more than 64 KiB, and calls more invalid

# Seconds for all headers of a request, and between two requests.
HEADER_SECONDS = 30
IDLE_SECONDS = 75
# Seconds that a client may read nothing of a response.
UNREAD_SECONDS = 60

# A body must arrive at this rate on average, after a while in which any rate will do.
BODY_BYTES_PER_SECOND = 4 * 1024
BODY_GRACE_SECONDS = 10
# Seconds that the server waits for the rest of a body before it checks the key.
BODY_PROMPT_SECONDS = 0.01
# Bytes of a body in memory. A longer one is written to the scratch folder.
BODY_MEMORY_BYTES = 64 * 1024
# Bodies that are received at once, and those of one client.
BODIES, BODIES_PER_ADDRESS = 48, 16
# Seconds that a body may be received in peace when others wait for its place.
PATIENCE_SECONDS = 1.0
# Seconds that a client waits for a place.
WAIT_SECONDS = 10.0

# Keys that need not be looked up again for a while to receive a body.
KEYS, KEY_SECONDS = 1024, 5.0
# Requests per second that are refused before their body is received, with a line in the log. Those
# beyond it are refused without a thread.
REFUSALS_PER_SECOND = 10

# Uploads of archives, each of which holds a thread while it is received.
UPLOADS, UPLOADS_PER_ADDRESS = 8, 4

# A response up to this size waits in memory until its client has read it, a larger one in a file.
RESPONSE_MEMORY_BYTES = 128 * 1024
# Large responses that are sent at once, in all and to one client.
LARGE_RESPONSES, LARGE_RESPONSES_PER_ADDRESS = 1024, 768
CHUNK_BYTES = 256 * 1024

# Requests that run at once while several clients have some. These share them, and each may have
# one. Those that wait for a job or for a model do not count.
RUNNING_REQUESTS = 8
# Requests that wait for a thread, in all and of one client.
WAITING_REQUESTS, WAITING_PER_CLIENT = 1024, 512

# After an early response, the rest of a body is read and dropped: a client that is still sending
# would otherwise lose the response with its connection.
LINGER_SECONDS = 2.0
LINGER_BYTES = 2 * 1024 * 1024
