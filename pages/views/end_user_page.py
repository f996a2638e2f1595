"""The end users of an account: its holder looks at the memories of one of them at a time."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.models import User
from core.errors import NotFound
from pages.page_view import SUBJECT_COOKIE, PageView

SHOWN = 100
MAX_SEARCH = 255


class EndUserNotFound(NotFound):
    """You have no such end user."""

    code = "end_user_not_found"


class EndUsersView(PageView):
    section = "end_users"

    def get(self, request: HttpRequest) -> HttpResponse:
        text = request.GET.get("q", "").strip()[:MAX_SEARCH].replace("\0", "")
        users = User.objects.filter(owner=self.person)
        if text:
            users = users.filter(Q(external_id__icontains=text) | Q(name__icontains=text))
        live = Q(memories__state__in=["active", "paused", "archived"])
        counted = users.annotate(
            count=Count("memories", filter=live), last=Max("memories__created_at", filter=live)
        )
        found = list(counted.order_by("external_id")[: SHOWN + 1])
        context = {"users": found[:SHOWN], "is_full": len(found) > SHOWN, "text": text}
        return self.render("pages/end_users.html", context)


class ChooseView(PageView):
    """Look at the memories of an end user from now on, or, for an empty id, at one's own again."""

    def post(self, request: HttpRequest) -> HttpResponse:
        response = HttpResponseRedirect(reverse("pages:memories"))
        value = request.POST.get("end_user", "")
        if not value:
            response.delete_cookie(SUBJECT_COOKIE)
            return response
        try:
            chosen = User.objects.filter(
                owner=self.person, pk=uuid.UUID(value), is_active=True
            ).first()
        except ValueError:
            chosen = None
        if chosen is None:
            raise EndUserNotFound
        response.set_cookie(
            SUBJECT_COOKIE,
            str(chosen.pk),
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        return response
