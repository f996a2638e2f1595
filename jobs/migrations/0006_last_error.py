from django.db import migrations, models


class Migration(migrations.Migration):
    """A job that waits for another attempt says why the last one failed."""

    dependencies = [("jobs", "0005_newest")]

    operations = [
        migrations.AlterField(
            model_name="job",
            name="error",
            field=models.JSONField(
                blank=True, null=True, help_text="Why it failed, or why its last attempt did."
            ),
        ),
        migrations.RemoveConstraint(model_name="job", name="job_has_an_error_if_it_failed"),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=~models.Q(state="failed") | models.Q(error__isnull=False),
                name="job_has_an_error_if_it_failed",
            ),
        ),
    ]
