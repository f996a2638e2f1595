from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError

from accounts.models import SignInLink
from accounts.models.sign_in_link import LIFETIME, MAX_LIFETIME
from accounts.person_access import link_url
from accounts.subjects import get_user
from core import argument_types
from core.command_output import ReportingCommand, add_json_option


class Command(ReportingCommand):
    help = "Print a link that signs a user in to their own pages, once. It is only shown now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="user_id of the user")
        parser.add_argument(
            "--minutes",
            type=argument_types.number(1, int(MAX_LIFETIME.total_seconds()) // 60),
            default=int(LIFETIME.total_seconds()) // 60,
            help="minutes until it expires (default: %(default)s)",
        )
        parser.add_argument(
            "--url", help="the URL of this server for the browser, if it is another one"
        )
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        base = options["url"] and options["url"].rstrip("/")
        if base and not base.startswith(("http://", "https://")):
            raise CommandError(
                "--url must begin with http:// or https://, as in https://memory.example.org."
            )
        lifetime = timedelta(minutes=options["minutes"])
        user = get_user(options["user"])
        link = link_url(SignInLink.objects.issue(user, lifetime=lifetime), base=base)
        facts = {"user_id": user.named_id, "url": link, "minutes": options["minutes"]}
        self.report(link, facts, options)
