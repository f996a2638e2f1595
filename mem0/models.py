"""What clients of Mem0 know beside memories: entities, events, settings and feedback."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models import User
from memories.limits import MAX_NAME


class EntityKind(models.TextChoices):
    USER = "user"
    AGENT = "agent"
    APP = "app"
    RUN = "run"


class Entity(models.Model):
    """A user, agent, app or run that an account has named, from the first memory until deleted."""

    account = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=5, choices=EntityKind)
    name = models.CharField(max_length=MAX_NAME)
    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        help_text="Of a user: whose row goes with this one.",
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "entities"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "name"], name="mem0_entity_named_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class EventType(models.TextChoices):
    ADD = "ADD"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    SEARCH = "SEARCH"
    GET_ALL = "GET_ALL"
    DELETE_ALL = "DELETE_ALL"
    DELETE_USER = "DELETE_USER"


class Event(models.Model):
    """What a call did, for clients that ask later. It has ids of memories, and no text."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        help_text="The end user whom it is about, if it is about one.",
    )
    app_name = models.CharField(
        max_length=MAX_NAME, blank=True, default="", db_default="", help_text="Of the key, if any."
    )
    event_type = models.CharField(max_length=11, choices=EventType)
    results = models.JSONField(default=list, help_text="Ids of memories, and what became of each.")
    jobs = ArrayField(
        models.UUIDField(), default=list, help_text="The jobs that are to end before it does."
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["account", "-created_at", "-id"], name="mem0_event_newest")]

    def __str__(self) -> str:
        return f"{self.event_type} {self.pk}"


class Project(models.Model):
    """The settings that an account's clients keep, by the names of Mem0's API."""

    account = models.OneToOneField(
        User, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    settings = models.JSONField(default=dict)
    profiles = models.JSONField(
        default=dict, db_default={}, help_text="Whether profiles are made, of which shape, and how."
    )
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return str(self.account_id)


class ExportKind(models.TextChoices):
    EXPORT = "export"
    SUMMARY = "summary"


class Export(models.Model):
    """What a language model made of memories, in the shape that a client asked for."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=7, choices=ExportKind)
    app_name = models.CharField(max_length=MAX_NAME, blank=True, help_text="Of the key, if any.")
    filters = models.JSONField(help_text="As they were sent.")
    schema = models.JSONField(null=True, help_text="As a model takes it.")
    instructions = models.TextField(blank=True)
    memories = ArrayField(models.UUIDField(), help_text="Which it was made of.")
    users = ArrayField(models.UUIDField(), help_text="Whose these are. It goes with any of them.")
    version = models.CharField(max_length=32, help_text="Of these memories, as they were then.")
    job = models.UUIDField(null=True)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["account", "-created_at"], name="mem0_export_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class ProfileState(models.TextChoices):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EMPTY = "insufficient_data"


class Profile(models.Model):
    """What a language model says of a user, from all that is remembered about them."""

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE, related_name="+")
    profile = models.JSONField(default=dict)
    state = models.CharField(max_length=17, choices=ProfileState, default=ProfileState.PENDING)
    error = models.CharField(max_length=200, blank=True)
    generation_count = models.PositiveIntegerField(default=0)
    job = models.UUIDField(null=True, help_text="The last job that makes it.")
    sequence = models.BigIntegerField(
        default=0, help_text="The last line of the user's log when their memories were read."
    )
    updated_at = models.DateTimeField(null=True, help_text="When it was made.")

    class Meta:
        indexes = [models.Index(fields=["job"], name="mem0_profile_by_job")]

    def __str__(self) -> str:
        return f"{self.state} {self.user_id}"


class Verdict(models.TextChoices):
    POSITIVE = "POSITIVE"
    NEGATIVE = "NEGATIVE"
    VERY_NEGATIVE = "VERY_NEGATIVE"


class Feedback(models.Model):
    """What a client thinks of a memory. It counts in nothing, but is shown."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    memory = models.OneToOneField(
        "memories.Memory", on_delete=models.CASCADE, related_name="mem0_feedback"
    )
    verdict = models.CharField(max_length=13, choices=Verdict)
    reason = models.TextField(blank=True, max_length=2000)
    given_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "feedback"

    def __str__(self) -> str:
        return f"{self.verdict} {self.memory_id}"


class WebhookEvent(models.TextChoices):
    ADD = "memory_add"
    UPDATE = "memory_update"
    DELETE = "memory_delete"
    CATEGORIZE = "memory_categorize"


class Webhook(models.Model):
    """An address that is told of the changes of an account's memories, whoever makes them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=MAX_NAME)
    url = models.CharField(max_length=2000)
    event_types = ArrayField(models.CharField(max_length=17, choices=WebhookEvent))
    secret = models.TextField(help_text="What messages are signed with, encrypted.")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class DeliveryState(models.TextChoices):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(models.Model):
    """A message to a webhook: the database writes it with the change, and a job sends it.

    It has no text.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Without constraints: no change of a memory waits for, or fails with, that of a webhook.
    webhook = models.ForeignKey(
        Webhook, on_delete=models.CASCADE, db_constraint=False, related_name="deliveries"
    )
    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        db_constraint=False,
        null=True,
        related_name="+",
        help_text="Whose memory it is. Empty where they are erased, which is told as well.",
    )
    job = models.UUIDField(null=True, help_text="The job that sends it.")
    event_type = models.CharField(max_length=17, choices=WebhookEvent)
    memory_id = models.UUIDField()
    state = models.CharField(max_length=9, choices=DeliveryState, default=DeliveryState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    status = models.PositiveSmallIntegerField(null=True, help_text="Of the last response.")
    error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, help_text="When it was tried for the last time.")

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [models.Index(fields=["job"], name="mem0_delivery_by_job")]

    def __str__(self) -> str:
        return f"{self.event_type} {self.memory_id}"


class ToldExpiry(models.Model):
    """Until when webhooks have been told of what has expired. The database writes its one row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    until = models.DateTimeField()

    class Meta:
        verbose_name_plural = "told expiries"

    def __str__(self) -> str:
        return self.until.isoformat()
