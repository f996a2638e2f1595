from .dry_run import dry_run_import
from .import_archive import import_archive
from .merge import Mode

__all__ = ["Mode", "dry_run_import", "import_archive"]
