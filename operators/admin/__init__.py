from . import audit, erasure  # noqa: F401 - each registers its pages
