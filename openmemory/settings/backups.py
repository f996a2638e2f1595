"""Limits of imports, and scheduled backups."""

from core import env

# The size of an uploaded archive, its size when decompressed, and the ratio of both. Text
# compresses to a third or a tenth, so that a much higher ratio means a zip bomb.
IMPORT_MAX_BYTES = env.integer(
    "OPENMEMORY_IMPORT_MAX_BYTES", 4 * 1024**3, minimum=1024, maximum=1024**4
)
IMPORT_MAX_UNPACKED_BYTES = env.integer(
    "OPENMEMORY_IMPORT_MAX_UNPACKED_BYTES", 16 * 1024**3, minimum=1024, maximum=1024**4
)
IMPORT_MAX_RATIO = env.integer("OPENMEMORY_IMPORT_MAX_RATIO", 200, minimum=2, maximum=2000)

# The folder of scheduled backups, if any; their interval, and the number of archives kept per user.
BACKUP_FOLDER = env.folder("OPENMEMORY_BACKUP_FOLDER")
BACKUP_EVERY_HOURS = env.integer("OPENMEMORY_BACKUP_EVERY_HOURS", 24, minimum=1, maximum=8760)
BACKUP_KEEP = env.integer("OPENMEMORY_BACKUP_KEEP", 7, minimum=1, maximum=10_000)

# Whether a start that changes the embedded database writes a dump of it before.
DUMP_BEFORE_UPGRADE = env.boolean("OPENMEMORY_DUMP_BEFORE_UPGRADE", True)
