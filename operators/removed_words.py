"""What receipts and dialogs call the rows and files that an erasure or a purge removes."""

from __future__ import annotations

from collections.abc import Mapping

from core.quantities import with_noun

# By the names of `counts`, in this order.
NOUNS = {
    "User": ("user", "users"),
    "Memory": ("memory", "memories"),
    "Revision": ("former text", "former texts"),
    "StateChange": ("change of state", "changes of state"),
    "Categorization": ("category of a memory", "categories of memories"),
    "UserCategory": ("category of a user", "categories of users"),
    "Category": ("category", "categories"),
    "Embedding": ("vector", "vectors"),
    "UserIndex": ("index of vectors", "indexes of vectors"),
    "Access": ("entry of the access log", "entries of the access log"),
    "FirstAccess": ("first reading by an app", "first readings by apps"),
    "App": ("app", "apps"),
    "AccessRule": ("access rule", "access rules"),
    "ArchivePolicy": ("archive policy", "archive policies"),
    "ApiKey": ("API key", "API keys"),
    "Connection": ("connection", "connections"),
    "AuthorizationCode": ("code of a connection", "codes of connections"),
    "PersonSession": ("session of a browser", "sessions of browsers"),
    "SignInLink": ("sign-in link", "sign-in links"),
    "KeptAnswer": ("answer kept for retries", "answers kept for retries"),
    "Job": ("job", "jobs"),
    "LogEntry": ("entry of the audit log", "entries of the audit log"),
    "ConfigurationChange": (
        "configuration change without the name",
        "configuration changes without the name",
    ),
    "Project": ("project of Mem0's clients", "projects of Mem0's clients"),
    "Entity": ("entity of Mem0's clients", "entities of Mem0's clients"),
    "Event": ("event of Mem0's clients", "events of Mem0's clients"),
    "Export": ("export of Mem0's clients", "exports of Mem0's clients"),
    "Profile": ("profile of Mem0's clients", "profiles of Mem0's clients"),
    "Feedback": ("feedback of Mem0's clients", "pieces of feedback of Mem0's clients"),
    "Webhook": ("webhook", "webhooks"),
    "Delivery": ("message of a webhook", "messages of webhooks"),
    "sessions": ("session of the admin", "sessions of the admin"),
    "backups": ("backup", "backups"),
}


def describe_removed(counts: Mapping[str, int]) -> list[str]:
    """Each number that is not zero with what it counts, in words."""
    names = [*NOUNS, *sorted(counts.keys() - NOUNS.keys())]
    return [
        with_noun(counts[name], *NOUNS.get(name, (name,))) for name in names if counts.get(name)
    ]
