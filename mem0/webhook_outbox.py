"""Webhooks: messages are written with a change, and sent by a job, signed and with retries.

Signatures are those of Standard Webhooks. See docs/mem0.md.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence

from django.utils import timezone

from configuration.encryption import DecryptionFailed, decrypt, encrypt
from core.errors import Malformed, NotFound, OpenMemoryError
from jobs.job_run import JobRun
from jobs.registry import job_type
from memories.models import Categorization, Memory, State

from .models import Delivery, DeliveryState, Event, Webhook, WebhookEvent
from .public_http import DestinationRefused, DestinationUnreachable, post
from .tenant import Tenant

MAX_WEBHOOKS = 20  # of one account
ATTEMPTS = 10
SECRET_PREFIX = "whsec_"  # noqa: S105 - of Standard Webhooks

TYPES = {"ADD": WebhookEvent.ADD, "UPDATE": WebhookEvent.UPDATE, "DELETE": WebhookEvent.DELETE}
NAMES = {
    WebhookEvent.ADD: "ADD",
    WebhookEvent.UPDATE: "UPDATE",
    WebhookEvent.DELETE: "DELETE",
    WebhookEvent.CATEGORIZE: "CATEGORIZE",
}


class WebhookNotFound(NotFound):
    """Webhook not found."""

    code = "webhook_not_found"


class TooManyWebhooks(Malformed):
    """This account has as many webhooks as it may have. Delete one."""

    code = "too_many_webhooks"


class NotDelivered(OpenMemoryError):
    """A webhook did not take a message."""

    code = "not_delivered"


def create_webhook(
    tenant: Tenant, *, name: str, url: str, event_types: Sequence[str]
) -> tuple[Webhook, str]:
    """Create a webhook, and return it with its secret. Raises TooManyWebhooks."""
    if Webhook.objects.filter(account=tenant.account).count() >= MAX_WEBHOOKS:
        raise TooManyWebhooks
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    webhook = Webhook.objects.create(
        account=tenant.account,
        name=name,
        url=url,
        event_types=list(event_types),
        secret=encrypt(secret),
    )
    return webhook, secret


def get_webhook(tenant: Tenant, pk: str) -> Webhook:
    """Raises WebhookNotFound."""
    try:
        found = Webhook.objects.filter(account=tenant.account, pk=uuid.UUID(pk)).first()
    except ValueError:
        found = None
    if found is None:
        raise WebhookNotFound
    return found


def find_listeners(tenant: Tenant) -> list[Webhook]:
    return list(Webhook.objects.filter(account=tenant.account, is_active=True))


def write_messages(event: Event, listeners: Iterable[Webhook]) -> None:
    """Write what is to be sent about an event, in the transaction of the change."""
    rows = [
        Delivery(webhook=webhook, event=event, event_type=event_type, memory_id=pk)
        for webhook in listeners
        for pk, event_type in _changes_of(event)
        if event_type in webhook.event_types
    ]
    Delivery.objects.bulk_create(rows)
    for pk in {row.webhook_id for row in rows}:
        parameters = {"webhook": str(pk), "event": str(event.pk)}
        deliver.enqueue(owner=event.account, parameters=parameters)


def _changes_of(event: Event) -> list[tuple[str, WebhookEvent]]:
    changes = [
        (entry["id"], TYPES[entry["event"]]) for entry in event.results if entry["event"] in TYPES
    ]
    stored = [pk for pk, event_type in changes if event_type == WebhookEvent.ADD]
    named = Categorization.objects.filter(memory__in=stored).values_list("memory", flat=True)
    return changes + [(str(pk), WebhookEvent.CATEGORIZE) for pk in named.distinct()]


@job_type(
    "deliver_webhook",
    attempts=ATTEMPTS,
    retries_on=(NotDelivered,),
    hidden=True,
)
def deliver(run: JobRun) -> None:
    """Send the messages of an event to a webhook, those first that are still pending."""
    webhook = Webhook.objects.filter(pk=run.parameters["webhook"], is_active=True).first()
    pending = Delivery.objects.filter(
        webhook=run.parameters["webhook"],
        event=run.parameters["event"],
        state=DeliveryState.PENDING,
    ).order_by("created_at", "pk")
    outcomes: Counter[str] = Counter()
    for delivery in pending:
        if webhook is None:
            break  # deleted or switched off since
        run.progress(outcomes.total())
        _send(delivery, webhook, is_last=run.job.attempts >= ATTEMPTS)
        outcomes[delivery.state] += 1
        if delivery.state == DeliveryState.PENDING:
            raise NotDelivered(delivery.error)
    with run.finishing() as result:
        result.update(outcomes)


def _send(delivery: Delivery, webhook: Webhook, *, is_last: bool) -> None:
    """Try to send a message, and note what became of it."""
    delivery.attempts += 1
    delivery.sent_at = timezone.now()
    body = _render(delivery)
    try:
        headers = sign(str(delivery.pk), body, secret=decrypt(webhook.secret))
        delivery.status, delivery.error = post(webhook.url, body, headers=headers), ""
        if not 200 <= delivery.status < 300:
            delivery.error = f"The webhook answered {delivery.status}."
    except DestinationUnreachable as error:
        delivery.status, delivery.error = None, str(error)[:200]
    except (DestinationRefused, DecryptionFailed) as error:
        delivery.status, delivery.error = None, str(error or error.__doc__)[:200]
        is_last = True
    failed = DeliveryState.FAILED if is_last else DeliveryState.PENDING
    delivery.state = failed if delivery.error else DeliveryState.DELIVERED
    delivery.save(update_fields=["attempts", "sent_at", "status", "error", "state"])


def _render(delivery: Delivery) -> bytes:
    """The text is that of now: of a memory that is gone, there is none."""
    living = Memory.objects.filter(pk=delivery.memory_id).exclude(state=State.DELETED)
    text = living.values_list("content", flat=True).first()
    details = {
        "id": str(delivery.memory_id),
        "data": {"memory": text or ""},
        "event": NAMES[WebhookEvent(delivery.event_type)],
    }
    return json.dumps({"event_details": details}, ensure_ascii=False).encode()


def sign(message_id: str, body: bytes, *, secret: str) -> dict[str, str]:
    """The headers of Standard Webhooks for a message that is sent now."""
    sent_at = str(int(timezone.now().timestamp()))
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = b".".join([message_id.encode(), sent_at.encode(), body])
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": sent_at,
        "webhook-signature": f"v1,{signature}",
    }
