"""End a connection. They are listed on the page of settings."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from core.errors import NotFound
from oauth.models import Connection
from pages.page_view import PageView


class ConnectionNotFound(NotFound):
    """This connection has ended already."""

    code = "connection_not_found"


class EndConnectionView(PageView):
    def post(self, request: HttpRequest, key_id: uuid.UUID) -> HttpResponse:
        live = Connection.objects.live().filter(key__user=self.person, key=key_id)
        connection = live.select_related("key").first()
        if connection is None:
            raise ConnectionNotFound
        connection.key.revoke()
        self.say(_("The connection has ended. The program has no access any more."))
        return HttpResponseRedirect(reverse("pages:settings"))
