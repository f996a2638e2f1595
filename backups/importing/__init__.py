from .merging import Mode
from .verb import import_archive

__all__ = ["Mode", "import_archive"]
