"""Webhooks: the database writes messages with a change, and a job sends them, signed.

Triggers write them, with the job: see migrations/0002_outbox.sql. Signatures are those of Standard
Webhooks. See docs/mem0.md.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from configuration.encryption import DecryptionFailed, decrypt, encrypt
from core import public_http
from core.errors import Malformed, NotFound, OpenMemoryError
from jobs.job_run import JobRun
from jobs.registry import job_type
from jobs.wakeup import wake_worker
from memories.models import Memory, State

from .models import Delivery, DeliveryState, Webhook, WebhookEvent
from .tenant import Tenant

MAX_WEBHOOKS = 20  # of one account
ATTEMPTS = 10
KEPT_FOR = timedelta(days=30)
# Old messages that go with each job.
PRUNED_AT_ONCE = 1_000
# Messages that one job sends. Another one sends the rest.
SENT_AT_ONCE = 100
SECRET_PREFIX = "whsec_"  # noqa: S105 - of Standard Webhooks

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


def webhook_policy() -> public_http.Policy:
    """Where webhooks may lead: to the internet, and to what an operator has listed."""
    return public_http.Policy(
        "OPENMEMORY_MEM0_PRIVATE_WEBHOOK_HOSTS", settings.MEM0_PRIVATE_WEBHOOK_HOSTS
    )


def get_webhook(tenant: Tenant, pk: str) -> Webhook:
    """Raises WebhookNotFound."""
    try:
        found = Webhook.objects.filter(account=tenant.account, pk=uuid.UUID(pk)).first()
    except ValueError:
        found = None
    if found is None:
        raise WebhookNotFound
    return found


def wake_deliverer(tenant: Tenant) -> None:
    """Have messages sent as soon as the transaction ends. Else the next sweep finds their job."""
    if Webhook.objects.filter(account=tenant.account, is_active=True).exists():
        transaction.on_commit(partial(wake_worker, deliver.queue))


@job_type(
    "deliver_webhook",
    attempts=ATTEMPTS,
    retries_on=(NotDelivered,),
    hidden=True,
)
def deliver(run: JobRun) -> None:
    """Send the messages of a transaction to a webhook.

    After the last attempt at one that does not arrive, the others are not tried.
    """
    webhook = Webhook.objects.filter(pk=run.parameters["webhook"], is_active=True).first()
    pending = Delivery.objects.filter(job=run.job.pk, state=DeliveryState.PENDING)
    outcomes: Counter[str] = Counter()
    for delivery in pending.order_by("created_at", "pk")[:SENT_AT_ONCE]:
        if webhook is None or not run.owner.is_active:
            break  # deleted or switched off since
        run.progress(outcomes.total())
        _send(delivery, webhook, is_last=run.job.attempts >= ATTEMPTS)
        outcomes[delivery.state] += 1
        if delivery.state == DeliveryState.PENDING:
            raise NotDelivered(delivery.error)
        if delivery.state == DeliveryState.FAILED and delivery.status is None:
            failed = {"state": DeliveryState.FAILED, "error": delivery.error}
            outcomes[DeliveryState.FAILED] += pending.update(**failed)
            break
    with run.finishing() as result:
        if outcomes.total() >= SENT_AT_ONCE and pending.exists():
            rest = deliver.enqueue(owner=run.owner, parameters=run.parameters)
            pending.update(job=rest.pk)
        _prune(uuid.UUID(run.parameters["webhook"]))
        result.update(outcomes)


def _prune(webhook: uuid.UUID) -> None:
    """Remove old messages of a webhook, and all of one that is gone."""
    deliveries = Delivery.objects.filter(webhook=webhook)
    if Webhook.objects.filter(pk=webhook).exists():
        deliveries = deliveries.filter(created_at__lt=timezone.now() - KEPT_FOR)
    Delivery.objects.filter(pk__in=deliveries.values("pk")[:PRUNED_AT_ONCE]).delete()


def _send(delivery: Delivery, webhook: Webhook, *, is_last: bool) -> None:
    """Try to send a message, and note what became of it."""
    delivery.attempts += 1
    delivery.sent_at = timezone.now()
    body = _render(delivery)
    try:
        headers = sign(str(delivery.pk), body, secret=decrypt(webhook.secret))
        headers["Content-Type"] = "application/json"
        answer = public_http.send("POST", webhook.url, webhook_policy(), body=body, headers=headers)
        delivery.status, delivery.error = answer.status, ""
        if not 200 <= delivery.status < 300:
            delivery.error = f"The webhook answered {delivery.status}."
    except public_http.DestinationUnreachable as error:
        delivery.status, delivery.error = None, str(error)[:200]
    except (public_http.DestinationRefused, DecryptionFailed) as error:
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
