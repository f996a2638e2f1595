"""Whoever was an operator could do everything over the API. In the admin, too, from now on.

Since then `is_staff` alone lets somebody into the admin, where Django's permissions say how far.
"""

from django.db import migrations


def promote(apps, schema_editor):
    apps.get_model("accounts", "User").objects.filter(is_staff=True).update(is_superuser=True)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RunPython(promote, migrations.RunPython.noop)]
