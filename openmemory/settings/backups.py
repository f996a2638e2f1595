"""What an import takes, and who is backed up when."""

from core import env

# An archive that is sent, in bytes; what it may unpack to, and how many times its own size. Texts
# shrink to a third or a tenth, so what grows much further was made to do harm.
IMPORT_MAX_BYTES = env.integer(
    "OPENMEMORY_IMPORT_MAX_BYTES", 4 * 1024**3, minimum=1024, maximum=1024**4
)
IMPORT_MAX_UNPACKED_BYTES = env.integer(
    "OPENMEMORY_IMPORT_MAX_UNPACKED_BYTES", 16 * 1024**3, minimum=1024, maximum=1024**4
)
IMPORT_MAX_RATIO = env.integer("OPENMEMORY_IMPORT_MAX_RATIO", 200, minimum=2, maximum=2000)

# Where everybody is backed up to from time to time, if anywhere; how often, and how many archives
# of each user are kept.
BACKUP_FOLDER = env.folder("OPENMEMORY_BACKUP_FOLDER")
BACKUP_EVERY_HOURS = env.integer("OPENMEMORY_BACKUP_EVERY_HOURS", 24, minimum=1, maximum=8760)
BACKUP_KEEP = env.integer("OPENMEMORY_BACKUP_KEEP", 7, minimum=1, maximum=10_000)
