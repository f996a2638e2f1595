import re
import unicodedata

from django.db import connection, migrations, transaction
from django.utils import timezone

from memories.taxonomy import BUILT_IN_CATEGORIES, InvalidCategoryName, normalize_category_name

AT_ONCE = 500

# From one category to the next in the index: however many memories a user has in it, one is read.
FILL = """
WITH RECURSIVE found AS (
    SELECT member.id AS user_id, first.category_id
    FROM unnest(%s::uuid[]) AS member (id)
    CROSS JOIN LATERAL (
        SELECT category_id FROM memories_categorization WHERE user_id = member.id
        ORDER BY category_id LIMIT 1
    ) AS first
    UNION ALL
    SELECT found.user_id, following.category_id
    FROM found
    CROSS JOIN LATERAL (
        SELECT category_id FROM memories_categorization AS it
        WHERE it.user_id = found.user_id AND it.category_id > found.category_id
        ORDER BY category_id LIMIT 1
    ) AS following
)
INSERT INTO memories_usercategory (user_id, category_id)
SELECT user_id, category_id FROM found ORDER BY user_id, category_id
ON CONFLICT DO NOTHING
"""

# What no operator wrote came from an archive.
EDITED = """
SELECT DISTINCT object_id::uuid FROM django_admin_log
JOIN django_content_type AS type ON type.id = content_type_id
WHERE type.app_label = 'memories' AND type.model = 'category' AND change_message LIKE '%%Description%%'
"""

MOVE = """
UPDATE memories_categorization AS it SET category_id = %(into)s
WHERE category_id = %(former)s AND NOT EXISTS (
    SELECT FROM memories_categorization AS there
    WHERE there.memory_id = it.memory_id AND there.category_id = %(into)s
)
"""


def fill(apps, schema_editor):
    members = apps.get_model("accounts", "User").objects.order_by("pk").values_list("pk", flat=True)
    ids = list(members[:AT_ONCE])
    while ids:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(FILL, [ids])
        ids = list(members.filter(pk__gt=ids[-1])[:AT_ONCE])


def reset_descriptions(apps, schema_editor):
    with connection.cursor() as cursor:
        cursor.execute(EDITED)
        edited = [pk for (pk,) in cursor.fetchall()]
    built_in = {category.name: category.description for category in BUILT_IN_CATEGORIES}
    categories = apps.get_model("memories", "Category").objects.exclude(pk__in=edited)
    for category in categories.exclude(description="").iterator():
        description = built_in.get(category.name, "")
        if category.description != description:
            categories.filter(pk=category.pk).update(
                description=description, updated_at=timezone.now()
            )


def rename_invalid(apps, schema_editor):
    Category = apps.get_model("memories", "Category")
    for category in Category.objects.order_by("pk"):
        try:
            is_valid = normalize_category_name(category.name) == category.name
        except InvalidCategoryName:
            is_valid = False
        if not is_valid:
            with transaction.atomic():
                _rename(Category, category)


def _rename(Category, category):
    name = _valid_name(category.name)
    Category.objects.filter(name=name, merged_into=category.pk).delete()
    same = Category.objects.exclude(pk=category.pk).filter(name=name).first()
    if same is None:
        Category.objects.filter(pk=category.pk).update(name=name)
        return
    into = same.merged_into_id or same.pk
    with connection.cursor() as cursor:
        cursor.execute(MOVE, {"former": category.pk, "into": into})
    Category.objects.filter(merged_into=category.pk).update(merged_into=into)
    policies = category._meta.apps.get_model("memories", "ArchivePolicy").objects
    policies.filter(category=category.pk).update(category=into)
    Category.objects.filter(pk=category.pk).delete()


def _valid_name(name):
    visible = "".join(
        " " if character == "," or unicodedata.category(character)[0] in "CZ" else character
        for character in name
    )
    try:
        return normalize_category_name(re.sub(r"\s+", " ", visible))
    except InvalidCategoryName:
        return "unnamed"


class Migration(migrations.Migration):
    """Give each user the categories of their memories, and empty descriptions from archives.

    In batches, each kept by itself, and the same when it is begun again.
    """

    atomic = False

    dependencies = [
        ("accounts", "0001_initial"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("memories", "0022_user_category"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(reset_descriptions, migrations.RunPython.noop),
        migrations.RunPython(rename_invalid, migrations.RunPython.noop),
    ]
