"""The app as which a request acts: the one its key is bound to, else the one it names."""

from __future__ import annotations

from accounts.end_users import store_end_user
from accounts.models import ApiKey, User
from core.errors import NotAllowed

from .models import App

# The app that stores a memory when the request names none.
DEFAULT_APP = "openmemory"


class BoundToAnotherApp(NotAllowed):
    """This key is bound to another app."""

    code = "key_bound_to_app"


def get_acting_app(key: ApiKey, *, user: User, app_name: str | None = None) -> App | None:
    """Get the app that reads. None if a personal key names no app: the user reads.

    Raises BoundToAnotherApp if a bound key names another app, and AppPaused if the app is paused.
    """
    if key.app_name and app_name not in (None, key.app_name):
        raise BoundToAnotherApp(f"This key is bound to the app {key.app_name!r}.")
    name = app_name or key.app_name
    if not name:
        return None
    if key.app_name and user != key.user:
        # Pausing it at the account pauses it for the end users.
        App.objects.owned_by(key.user).require_active(name=name)
    if not user.is_stored:
        return App(owner=user, name=name)  # nothing can be written about them yet
    return App.objects.get_or_create_active(user, name=name)


def get_writing_app(key: ApiKey, *, user: User, app_name: str | None) -> App:
    """Get the app that stores a memory, by default DEFAULT_APP. Stores the user, if not known yet.

    Raises as `get_acting_app` and `store_end_user` do.
    """
    store_end_user(user)
    app = get_acting_app(key, user=user, app_name=app_name)
    return app or App.objects.get_or_create_active(user, name=DEFAULT_APP)
