from . import audit, erasing  # noqa: F401 - each registers its pages
