"""Changes no table: after any migration, the views of the past are made anew.

There is one more of them, of few memories: see memories/change_log/past_views.py.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("memories", "0055_access_by_app_and_time")]
    operations: list[migrations.operations.base.Operation] = []
