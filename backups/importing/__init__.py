from .merging import Mode
from .previewing import preview_import
from .verb import import_archive

__all__ = ["Mode", "import_archive", "preview_import"]
