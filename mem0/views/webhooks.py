from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from core.errors import Malformed
from core.public_http import DestinationRefused, check_url
from core.visible_text import is_visible
from mem0.models import Webhook, WebhookEvent
from mem0.webhook_outbox import create_webhook, get_webhook, webhook_policy
from memories.limits import MAX_NAME

from .mem0_view import DialectViewSet
from .projects import ProjectNotFound

MAX_URL = 2_000


class WebhooksViewSet(DialectViewSet):
    """The addresses that are told of an account's changes."""

    def list(self, request: AuthenticatedRequest, project: str) -> Response:
        self._require_own(project)
        webhooks = Webhook.objects.filter(account=self.tenant.account).order_by("created_at", "pk")
        return Response([self._show(webhook) for webhook in webhooks])

    def create(self, request: AuthenticatedRequest, project: str) -> Response:
        self._require_own(project)
        fields = read_fields({"name": "webhook", **self.body})
        if missing := {"url", "event_types"} - fields.keys():
            raise Malformed(f"Send {' and '.join(sorted(missing))}.")
        webhook, secret = create_webhook(self.tenant, **fields)
        return Response({**self._show(webhook), "secret": secret}, status=201)

    def update(self, request: AuthenticatedRequest, webhook_id: str) -> Response:
        self.tenant.require_whole_account()
        webhook = get_webhook(self.tenant, webhook_id)
        fields = read_fields(self.body)
        if not fields:
            raise Malformed("Send a name, url, event_types or is_active.")
        for name, value in fields.items():
            setattr(webhook, name, value)
        webhook.save()
        return Response({**self._show(webhook), "message": "Webhook updated successfully"})

    def destroy(self, request: AuthenticatedRequest, webhook_id: str) -> Response:
        self.tenant.require_whole_account()
        get_webhook(self.tenant, webhook_id).delete()
        return Response({"message": "Webhook deleted successfully"})

    bodiless_actions: ClassVar = {"destroy"}

    def _require_own(self, project: str) -> None:
        """A webhook is told of all that an account stores: it is not one app's business."""
        self.tenant.require_whole_account()
        if project != self.tenant.project_id:
            raise ProjectNotFound

    def _show(self, webhook: Webhook) -> dict[str, Any]:
        return {
            "webhook_id": str(webhook.pk),
            "name": webhook.name,
            "url": webhook.url,
            "event_types": webhook.event_types,
            "owner": self.tenant.account.user_id,
            "project": self.tenant.project_id,
            "is_active": webhook.is_active,
            "created_at": webhook.created_at.isoformat(),
            "updated_at": webhook.updated_at.isoformat(),
        }


def read_fields(body: Any) -> dict[str, Any]:
    """The fields of a webhook that a body sets. Raises Malformed."""
    names = ("name", "url", "event_types", "is_active")
    fields = {name: body[name] for name in names if body.get(name) is not None}
    if "name" in fields:
        name = fields["name"]
        if not isinstance(name, str) or not is_visible(name) or len(name) > MAX_NAME:
            raise Malformed(f"`name` is a text of 1 to {MAX_NAME} characters.", field="name")
    if "url" in fields:
        _check_webhook_url(fields["url"])
    if "is_active" in fields and not isinstance(fields["is_active"], bool):
        raise Malformed("`is_active` is true or false.", field="is_active")
    if "event_types" in fields:
        types = fields["event_types"]
        known = (
            isinstance(types, list)
            and types
            and all(isinstance(each, str) and each in WebhookEvent.values for each in types)
        )
        if not known:
            raise Malformed(
                f"`event_types` is a list of {', '.join(WebhookEvent.values)}.",
                field="event_types",
            )
        fields["event_types"] = [*dict.fromkeys(types)]
    return fields


def _check_webhook_url(url: Any) -> None:
    if not isinstance(url, str) or len(url) > MAX_URL or not url.isprintable() or " " in url:
        raise Malformed(f"`url` is a URL of at most {MAX_URL:,} characters.", field="url")
    try:
        check_url(url, webhook_policy())
    except DestinationRefused as error:
        raise Malformed(str(error), field="url") from None
