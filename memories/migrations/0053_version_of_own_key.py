from importlib import import_module

from django.db import migrations

FORMER_TRIGGER = import_module("memories.migrations.0031_expiry_and_validity").TRIGGER
# An answer shows the own key, which a deleted memory gives away.
TRIGGER = FORMER_TRIGGER.replace("OLD.immutable,", "OLD.immutable, OLD.namespace, OLD.own_key,")
TRIGGER = TRIGGER.replace("NEW.immutable,", "NEW.immutable, NEW.namespace, NEW.own_key,")


class Migration(migrations.Migration):

    dependencies = [
        ("memories", "0052_own_key_in_log"),
    ]

    operations = [
        migrations.RunSQL(TRIGGER, FORMER_TRIGGER),
    ]
