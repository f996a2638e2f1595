from django.contrib.postgres.operations import BtreeGinExtension
from django.db import migrations
from pgvector.django import VectorExtension


class Migration(migrations.Migration):
    """PostgreSQL's vectors, and GIN indexes that begin with a user."""

    dependencies = []

    operations = [VectorExtension(), BtreeGinExtension()]
