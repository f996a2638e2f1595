from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Find whose turn it is, however much waits and was done."""

    atomic = False

    dependencies = [("jobs", "0003_trace")]

    operations = [
        AddIndexConcurrently(
            model_name="job",
            index=models.Index(
                condition=models.Q(("state", "queued")),
                fields=["owner", "run_after", "id"],
                include=("kind",),
                name="job_queued_by_owner",
            ),
        ),
        AddIndexConcurrently(
            model_name="job",
            index=models.Index(
                models.F("owner"),
                models.OrderBy(models.F("started_at"), descending=True),
                models.F("kind"),
                condition=models.Q(("started_at__isnull", False)),
                name="job_by_owner_started",
            ),
        ),
    ]
