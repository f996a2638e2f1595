"""Where figures and traces go."""

from core import env

from .base import STATE_DIR

# What the processes have measured, for whichever is asked for the metrics.
METRICS_FOLDER = STATE_DIR / "metrics"

# A worker that runs beside no web server, as in a container, answers for its own metrics: on this
# port, to everybody who reaches it. With 0 it does not.
WORKER_METRICS_PORT = env.integer("OPENMEMORY_WORKER_METRICS_PORT", 0, minimum=0, maximum=65535)

# Where traces are sent to, over OTLP and HTTP, such as http://localhost:4318. Without it, there are
# none.
TRACES_ENDPOINT = env.string("OTEL_EXPORTER_OTLP_ENDPOINT")
TRACES_SERVICE = env.string("OTEL_SERVICE_NAME", "openmemory")
