from .import_archive import import_archive
from .merge import Mode
from .preview import preview_import

__all__ = ["Mode", "import_archive", "preview_import"]
