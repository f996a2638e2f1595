"""As which app a request acts: the one its key is bound to, else the one it names."""

from __future__ import annotations

from accounts.models import ApiKey, User
from openmemory.errors import NotAllowed

from .models import App


class BoundToAnotherApp(NotAllowed):
    """This key is bound to another app."""

    code = "key_bound_to_app"


def acting_app(key: ApiKey, *, user: User, named: str | None) -> App | None:
    """Find the app that acts, or None for a person whose key is bound to no app.

    Raises BoundToAnotherApp when a bound key names another app, AppPaused when the app is.
    """
    if key.app_name and named not in (None, key.app_name):
        raise BoundToAnotherApp(f"This key is bound to the app {key.app_name!r}.")
    name = key.app_name or named
    return App.objects.acting_for(user, name=name) if name else None
