import json

from django.db import connection, migrations, transaction

from memories.lifecycle.attribution import find_actor, find_conversation

AT_ONCE = 2000

# Those that may tell. Whoever changes one of them meanwhile waits for one batch.
TELLING = """
SELECT id, content, metadata FROM memories_memory
WHERE id > %s AND actor = '' AND conversation = ''
    AND (metadata ?| ARRAY['actor', 'run_id'] OR left(ltrim(content), 66) ~ '[:\uff1a]')
ORDER BY id LIMIT %s
FOR NO KEY UPDATE
"""

NOTE = """
UPDATE memories_memory AS memory SET actor = said.actor, conversation = said.conversation
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS said (id, actor, conversation)
WHERE memory.id = said.id
"""


def make_out(apps, schema_editor):
    last = "00000000-0000-0000-0000-000000000000"
    while last:
        last = _make_out_batch(after=last)


def _make_out_batch(after):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TELLING, [after, AT_ONCE])
        rows = cursor.fetchall()
        told = [each for each in (_made_out(*row) for row in rows) if any(each[1:])]
        if told:
            cursor.execute(NOTE, [list(column) for column in zip(*told, strict=True)])
    return rows[-1][0] if rows else None


def _made_out(pk, content, written):
    metadata = json.loads(written)
    return pk, find_actor(content, metadata), find_conversation(metadata)


class Migration(migrations.Migration):
    """Make out who said the memories that are there, as is done with those that come in.

    In batches, each kept by itself, and the same when it is begun again. It may run for minutes
    on a large table, and nobody has to wait for it.
    """

    atomic = False

    dependencies = [("memories", "0018_merged_categories")]

    operations = [migrations.RunPython(make_out, migrations.RunPython.noop)]
