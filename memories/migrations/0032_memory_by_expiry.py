from django.contrib.postgres.operations import (
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("memories", "0031_expiry_and_validity"),
    ]

    operations = [
        ValidateConstraint(model_name="memory", name="memory_is_valid_for_a_time"),
        AddIndexConcurrently(
            model_name="memory",
            index=models.Index(
                condition=models.Q(("expires_at__isnull", False)),
                fields=["expires_at", "id"],
                name="memory_by_expiry",
            ),
        ),
        AddIndexConcurrently(
            model_name="memory",
            index=models.Index(
                fields=["user", "state", "expires_at"], name="memory_of_user_by_state"
            ),
        ),
        AddIndexConcurrently(
            model_name="memory",
            index=models.Index(
                fields=["app", "state", "expires_at"], name="memory_of_app_by_state"
            ),
        ),
        RemoveIndexConcurrently(model_name="memory", name="memory_by_user_and_state"),
        RemoveIndexConcurrently(model_name="memory", name="memory_by_app_and_state"),
    ]
