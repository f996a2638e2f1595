"""Prepare the database for a server, before its processes start."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection

from accounts.models import SignInLink, User
from accounts.person_access import link_url
from embedded import stack
from embedded.errors import ServiceFailed
from embedded.state_folder import write_private
from jobs import retention
from memories.lifecycle import word_index
from memories.vectors import migration
from server import database_dump, default_user
from server.start import SIGN_IN, Address

# Of the link that signs the default user in.
LINK_LIFETIME = timedelta(hours=1)


def prepare_database() -> None:
    """Migrate, create the default user, and apply changes of the embedding configuration.

    Raises ServiceFailed or ImproperlyConfigured.
    """
    services = stack.required_services(
        settings.STATE_DIR, database_url=settings.DATABASE_URL, redis_url=settings.REDIS_URL
    )
    stack.set_up(services)
    try:
        # First without the pool, which retries for a while and then hides the error.
        psycopg.connect(**connection.get_connection_params()).close()
        if settings.DUMP_BEFORE_UPGRADE and not settings.DATABASE_URL:
            database_dump.dump_before_upgrade()
        call_command("migrate", interactive=False, verbosity=0)
    except (psycopg.Error, DatabaseError) as error:
        raise ServiceFailed(f"The database is not usable: {str(error).strip()}") from error
    default_user.ensure_default_user(
        user_id=settings.DEFAULT_USER, key_file=settings.STATE_DIR / "api_key"
    )
    user = User.objects.get(user_id=settings.DEFAULT_USER)
    migration.apply_environment(by=user)
    migration.complete(by=user)
    word_index.enqueue_outdated(by=user)
    retention.remove_orphaned_files()  # of a run that was killed
    # For the supervisor, which has no connection. A log keeps what it is given: a link is for a
    # person only.
    link = _issue_link(user) if sys.stdout.isatty() and user.is_active else ""
    sign_in = {"has_password": user.has_usable_password(), "link": link}
    write_private(SIGN_IN, json.dumps(sign_in))


def _issue_link(user: User) -> str:
    """Return the address of a link that opens the user's pages once."""
    secret = SignInLink.objects.issue(user, lifetime=LINK_LIFETIME)
    return link_url(secret, base=Address(settings.HOST, settings.PORT).url)
