"""The commands of `openmemory` for people: their short names, groups and descriptions."""

from __future__ import annotations

from typing import NamedTuple


class CommandName(NamedTuple):
    short: str
    full: str  # that of the management command
    description: str


GROUPS: dict[str, tuple[CommandName, ...]] = {
    "Run the server": (
        CommandName("up", "run", "start everything on this machine, until Ctrl-C"),
        CommandName("service", "user_service", "run it as a service of yours, without root"),
        CommandName("upgrade", "upgrade", "say what an upgrade will change, or take it back"),
        CommandName("doctor", "doctor", "look for problems, and say how to mend each"),
    ),
    "People and keys": (
        CommandName("key", "create_api_key", "create an API key for a user"),
        CommandName("operator", "create_operator", "create an operator for the admin"),
        CommandName("sign-in", "sign_in_link", "print a link that signs a user in once"),
        CommandName("erase", "erase_user", "erase a user and all that is remembered of them"),
    ),
    "Agents": (
        CommandName("connect", "connect", "connect a coding agent or another client"),
        CommandName("mcp", "mcp_stdio", "serve MCP on standard input and output"),
        CommandName("mcp-config", "mcp_config", "print the MCP configuration of a client"),
    ),
    "Data": (
        CommandName("backup", "backup_all", "back up each user to a folder"),
        CommandName("export", "export_backup", "export a user's data into an archive"),
        CommandName("import", "import_backup", "import an archive"),
        CommandName("import-from", "import_from", "import from ChatGPT, Claude, Obsidian …"),
        CommandName("verify", "verify_backup", "verify an archive"),
        CommandName("verify-log", "verify_log", "verify the log of changes"),
    ),
    "Care": (
        CommandName("reembed", "reembed", "change the embedding model, and follow it"),
        CommandName("housekeep", "housekeep", "tidy up now"),
        CommandName("index-words", "index_words", "index the words of memories again"),
        CommandName("index-vectors", "index_vectors", "create the indexes of vectors"),
    ),
    "Your shell": (
        CommandName("completion", "completion", "print the completion for bash, zsh or fish"),
    ),
}

COMMANDS = {name.short: name for group in GROUPS.values() for name in group}


def full_name(command: str) -> str:
    """Return the name of the management command that this name stands for."""
    return COMMANDS[command].full if command in COMMANDS else command


def overview() -> str:
    """Return the help for somebody who knows none of the commands."""
    lines = [
        "A memory server for people who run AI agents themselves.",
        "",
        "    openmemory up                 start it; this prints where it is",
        "    openmemory COMMAND --help     what a command does, and its options",
        "    openmemory --state FOLDER …   keep everything in this folder",
    ]
    for title, names in GROUPS.items():
        lines += ["", title]
        lines += [f"  {name.short:<14} {name.description}" for name in names]
    lines += ["", "`openmemory help --commands` lists all commands, with those of Django."]
    return "\n".join(lines) + "\n"
