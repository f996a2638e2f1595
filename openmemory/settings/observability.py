"""Metrics and traces."""

from core import env

from .base import STATE_DIR

# The metrics of all processes, for the one that serves them.
METRICS_FOLDER = STATE_DIR / "metrics"

# A worker without a web server on the same machine, as in a container, serves its own metrics on
# this port, without authentication. 0 disables it.
WORKER_METRICS_PORT = env.integer("OPENMEMORY_WORKER_METRICS_PORT", 0, minimum=0, maximum=65535)

# The OTLP/HTTP endpoint of traces, such as http://localhost:4318. Traces are off if it is not set.
TRACES_ENDPOINT = env.string("OTEL_EXPORTER_OTLP_ENDPOINT")
TRACES_SERVICE = env.string("OTEL_SERVICE_NAME", "openmemory")
