from django.db import migrations


def add_local_space(apps, schema_editor):
    space = apps.get_model("memories", "EmbeddingSpace")
    space.objects.create(
        provider="local", model="bge-small-en-v1.5", dimensions=384, state="active"
    )


class Migration(migrations.Migration):
    """The space of the embedding model that needs no account: active until another is chosen."""

    dependencies = [("memories", "0002_initial")]

    operations = [migrations.RunPython(add_local_space, migrations.RunPython.noop)]
