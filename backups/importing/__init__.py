from .import_archive import import_archive
from .merge import Mode
from .preview import dry_run_import

__all__ = ["Mode", "dry_run_import", "import_archive"]
