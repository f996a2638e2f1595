from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from agents.plug_ins import PLUG_INS, install_command

from . import mcp_config


class Command(mcp_config.Command):
    help = (
        "Print the command that installs the plug-in of a coding agent, with a new API key, on "
        "standard output. For clients without a plug-in: what mcp_config prints."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--any-app",
            action="store_true",
            help="do not bind the key to the client's app, so that projects may have their own",
        )

    def show(self, options: dict[str, Any], url: str) -> None:
        client = options["client"]
        if client not in PLUG_INS:
            super().show(options, url)
            return
        app = client if options["any_app"] else ""
        key = self.issue_key(client, options["user"], app="" if app else client)
        self.stderr.write(f"{PLUG_INS[client]}. Run this where the agent runs:", self.style.NOTICE)
        command = install_command(client, url=url, key=key, app=app)
        self.report(command, {"client": client, "command": command, "key": key}, options)
