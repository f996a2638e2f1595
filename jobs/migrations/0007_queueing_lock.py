from django.db import migrations, models


class Migration(migrations.Migration):
    """The field `once` is named `queueing_lock`. Its column keeps its name."""

    dependencies = [("jobs", "0006_last_error")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint(model_name="job", name="job_is_unfinished_once"),
                migrations.RenameField("job", "once", "queueing_lock"),
                migrations.AlterField(
                    model_name="job",
                    name="queueing_lock",
                    field=models.CharField(max_length=255, blank=True, db_column="once"),
                ),
                migrations.AddConstraint(
                    model_name="job",
                    constraint=models.UniqueConstraint(
                        fields=["kind", "queueing_lock"],
                        condition=models.Q(state__in=("queued", "running"))
                        & ~models.Q(queueing_lock=""),
                        name="job_is_unfinished_once",
                    ),
                ),
            ]
        )
    ]
