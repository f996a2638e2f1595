"""The base of all pages: who looks at it, in which language, and what they may not do."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import View
from django_htmx.middleware import HtmxDetails

from accounts.models import PersonSession, User
from core.api import rate_limits
from core.api.exception_handler import problem_of
from core.errors import Conflict, OpenMemoryError
from memories.access.reader import Reader

from .browser_choices import BrowserChoices
from .menu import MENU
from .person_csrf import protect_forms

# Browsers send it to every path, but only pages read it: it opens nothing of the API.
SESSION_COOKIE = "openmemory_person"
# The end user at whose memories the holder of an account looks.
SUBJECT_COOKIE = "openmemory_subject"
MAX_NEXT = 8000  # what a program asks for may be long


class OtherSubject(Conflict):
    """You look at somebody else's memories by now. Go back, and choose whose you mean."""

    code = "other_subject"


class PageRequest(HttpRequest):
    """A request for a page. `person` is None where nobody is signed in."""

    choices: BrowserChoices
    htmx: HtmxDetails
    session_of_person: PersonSession | None
    person: User | None


@method_decorator(protect_forms, name="dispatch")
class PageView(View):
    """A page of the person who is signed in. Others are sent to sign in first.

    `section` is the part of the menu that it belongs to.
    """

    request: PageRequest
    section: ClassVar[str] = ""
    is_public: ClassVar[bool] = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.request.choices = BrowserChoices.of(request)
        self.request.htmx = HtmxDetails(request)
        session = find_session(request)
        self.request.session_of_person = session
        self.request.person = session.user if session else None
        zone = session.user.time_zone if session else ""
        with self.request.choices.in_force(request, zone=zone):
            try:
                return self._answer(*args, **kwargs)
            except (OpenMemoryError, Http404, PermissionDenied, ValidationError) as error:
                return self.render_error(error)

    def _answer(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        session = self.request.session_of_person
        if session is None:
            if not self.is_public:
                return self._ask_to_sign_in()
        else:
            session.record_use()
            reads = self.request.method in ("GET", "HEAD")
            policy = rate_limits.READS if reads else rate_limits.WRITES
            usage = rate_limits.count_person(self.request, policy, str(session.user_id))
            if usage and usage.exceeded:
                return self.render_too_often(usage.seconds_left)
            self._require_subject()
        return super().dispatch(self.request, *args, **kwargs)

    @property
    def person(self) -> User:
        """The person who is signed in: on no public page."""
        assert self.request.person is not None  # noqa: S101 - others were sent to sign in
        return self.request.person

    @property
    def session(self) -> PersonSession:
        assert self.request.session_of_person is not None  # noqa: S101 - as above
        return self.request.session_of_person

    @cached_property
    def subject(self) -> User:
        """Whose data the page is about: the person's, or an end user's whom they have chosen."""
        return find_subject(self.request, self.person)

    def _require_subject(self) -> None:
        """Raises OtherSubject if a form is about somebody else than is chosen by now."""
        about = self.request.POST.get("about") if self.request.method == "POST" else None
        if about is not None and about != str(self.subject.pk):
            raise OtherSubject

    @cached_property
    def reader(self) -> Reader:
        return Reader(self.subject)

    def render(
        self, template: str, context: dict[str, Any] | None = None, *, status: int = 200
    ) -> HttpResponse:
        """Render a template of a page, or of a part of one, which htmx has asked for."""
        session = self.request.session_of_person
        shown = {
            "person": self.request.person,
            "subject": self.subject if session else None,
            "choices": self.request.choices,
            "menu": MENU,
            "section": self.section,
            "htmx": self.request.htmx,
            "notice": session.take_notice() if session and not self.request.htmx else None,
        }
        return render(self.request, template, {**shown, **(context or {})}, status=status)

    def render_error(self, error: Exception) -> HttpResponse:
        problem = problem_of(error, self.request)
        assert problem is not None  # noqa: S101 - of each of these there is one
        titles = {403: _("Not allowed"), 404: _("Not found"), 410: _("No longer there")}
        context = {
            "title": titles.get(problem.status, _("This did not work")),
            # Errors of the domain are in English: those that pages show are translated here.
            "detail": gettext(problem.detail),
        }
        response = self.render("pages/error.html", context, status=problem.status)
        for name, value in problem.headers.items():
            response.headers[name] = value
        return response

    def render_too_often(self, seconds: int) -> HttpResponse:
        context = {
            "title": _("Too often"),
            "detail": gettext("Too many requests. Try again in %(seconds)s seconds.")
            % {"seconds": seconds},
        }
        response = self.render("pages/error.html", context, status=429)
        response.headers["Retry-After"] = str(seconds)
        return response

    def say(self, text: str, **more: Any) -> None:
        """Have the next page say what was done."""
        self.session.leave_notice({"text": text, **more})

    def _ask_to_sign_in(self) -> HttpResponse:
        own = self.request.get_full_path() if self.request.method == "GET" else ""
        address = reverse("pages:sign_in") + (f"?{urlencode({'next': own})}" if own else "")
        if self.request.htmx:
            return HttpResponse(headers={"HX-Redirect": reverse("pages:sign_in")})
        return HttpResponseRedirect(address)


def find_session(request: HttpRequest) -> PersonSession | None:
    """Find the session of the person in front of a browser, if somebody is signed in."""
    secret = request.COOKIES.get(SESSION_COOKIE, "")
    return PersonSession.objects.find(secret) if 0 < len(secret) <= 128 else None


def find_subject(request: HttpRequest, person: User) -> User:
    """Find the end user whom a person has chosen, if it is one of theirs: else the person."""
    try:
        chosen = uuid.UUID(request.COOKIES.get(SUBJECT_COOKIE, ""))
    except ValueError:
        return person
    return User.objects.filter(owner=person, pk=chosen, is_active=True).first() or person


def start_session(
    request: HttpRequest, response: HttpResponse, user: User, *, by_link: bool = False
) -> None:
    """Sign a person in: a former session of this browser ends."""
    if former := find_session(request):
        former.delete()
    browser = request.headers.get("User-Agent", "").replace("\0", "")
    _session, secret = PersonSession.objects.start(user, browser=browser, by_link=by_link)
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=90 * 24 * 3600,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def own_path(address: str, *, default: str = "pages:memories") -> str:
    """Return an address to go to next if it is a path of this server, else the default page."""
    path, _, query = address.partition("?")  # which may be longer than Django accepts
    is_own = (
        path.startswith("/")
        and len(address) <= MAX_NEXT
        and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
        and query.isprintable()
    )
    return address if is_own else reverse(default)
