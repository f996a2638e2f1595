"""The log of the server that an archive is from."""

from __future__ import annotations

import json
import uuid

from accounts.models import User
from backups.archive.chain import LogHead
from core.sql import execute

# The line is written at the end of the transaction, before those of its memories. None is if the
# log here goes back to that line, or has named it.
NAME_FORMER_LOG = """
INSERT INTO memories_unlogged (user_id, is_new, is_first, kind, note)
SELECT %(user)s, false, true, 'imported', %(note)s::jsonb
WHERE NOT EXISTS (
    SELECT FROM memories_logline
    WHERE user_id = %(user)s AND sequence = %(sequence)s AND hash = decode(%(hash)s, 'hex')
) AND NOT EXISTS (
    SELECT FROM memories_logline
    WHERE user_id = %(user)s AND memory_id IS NULL AND kind = 'imported'
        AND snapshot ->> 'hash' = %(hash)s
)
"""


def name_former_log(head: LogHead, *, source: uuid.UUID, user: User) -> None:
    """Write a line that names the end of the log of an archive, unless it is known here."""
    note = {"user": str(source), "sequence": head.sequence, "hash": head.hash}
    execute(
        NAME_FORMER_LOG,
        {
            "user": user.pk,
            "note": json.dumps(note),
            "sequence": head.sequence,
            "hash": head.hash,
        },
    )
