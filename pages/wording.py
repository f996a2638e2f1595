"""What others say that pages show: the sentences of errors, so that they are translated as well.

A page shows a sentence that is not here in English.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_noop as _
from django.utils.translation import ngettext_lazy

SENTENCES = (
    _("This link was used before, or has expired. Ask for a new one."),
    _("This session has ended already."),
    _("This connection has ended already."),
    _(
        "This server was reached by plain HTTP from another machine, where tokens would be "
        "overheard: it gives out none. Put a proxy with HTTPS in front and set "
        "OPENMEMORY_PUBLIC_URL, or use keys."
    ),
    _("The program has not registered this redirect_uri."),
    _("A parameter is there more than once."),
    _("Requests in JWTs are not supported."),
    _(
        "The id of this program is no https address with a path, and without a query, a fragment "
        "or dot segments."
    ),
    _("The id of this program is an https address without a path."),
    _("This server takes no documents: the program has to register."),
    _(
        "The document about this program is not on the public web. Its host and port can be listed "
        "in OPENMEMORY_OAUTH_PRIVATE_HOSTS."
    ),
    _("The document about this program could not be fetched: it took too long."),
    _("The document about this program could not be fetched: its host is not known."),
    _("The document about this program could not be fetched: its certificate is not valid."),
    _("The document about this program could not be fetched: its host gives no answer."),
    _("The document about this program was answered with %(status)s."),
    _("The document about this program has more than %(number)s bytes."),
    _("The document about this program is not JSON."),
    _("The document about this program is not a JSON object."),
    _("The document about this program is about another one."),
    _(
        "The document about this program wants to authenticate it with something else than a "
        "signature (private_key_jwt) or nothing (none)."
    ),
    _("This program has no public key that can check a signature."),
    _("The document about this program: %(fault)s"),
    _("redirect_uris is a list of 1 to 20 URIs."),
    _("client_name has 1 to 100 characters that can be seen."),
    _("grant_types is a list with authorization_code, or left out."),
    _("response_types is a list with code, or left out."),
    _("A redirect URI is a URI of at most 2000 ASCII characters, without a fragment."),
    _("A redirect URI has a host that cannot be read, or a port that is no number."),
    _("A redirect URI has no user and no password."),
    _("A redirect URI with https has a host."),
    _("A redirect URI with http is on loopback: 127.0.0.1, [::1] or localhost. Use https."),
    _("A redirect URI cannot have this scheme, which browsers or systems open themselves."),
    _("This can no longer be undone."),
    _("This is nothing that can be done to memories."),
    _("Memory not found."),
    _("The object does not exist."),
    _("You do not have permission to do this."),
    _("A deleted memory cannot be edited."),
    _("This app is paused. It cannot read or write until it is resumed."),
    _("It was changed since you read it. Read it again, and repeat your change."),
    _("`valid_until` must be later than `valid_from`."),
    _("Send a text with at least one character that can be seen."),
    _("Send at most 32768 bytes of UTF-8."),
    _("This time is in the future."),
    _("A category name has 1 to 100 characters, without commas, line breaks or invisible ones."),
    _("Ensure this field has no more than 100 elements."),
    _("At most 50 categories can be left out."),
    _("You look at somebody else's memories by now. Go back, and choose whose you mean."),
    _("There is no such program here."),
    _("Key not found."),
    _("App not found."),
    _("Rule not found."),
    _("Job not found."),
    _("This job has already finished."),
    _("This job has no file to download."),
    _("The file of this job has expired and was removed."),
    _("You have too many unfinished exports: cancel one, or try again when they are done."),
    _("You have too many unfinished imports: cancel one, or try again when they are done."),
    _("The job is not a dry run, or its archive was removed: send the archive again."),
    _("Another import into this user is under way: try again when it has ended."),
    _("A rule allows or denies: everything, or the memories that are chosen."),
    _("You have no such end user."),
    _("The log has no line with this sequence."),
    _("A change of this kind cannot be taken back."),
    _("This line is part of no run of inference and of no import."),
    _("The content is gone, because the memory was purged: it cannot be brought back."),
    _("A later change stands on this one. Take back the later one first."),
    _("Another operator has to erase an operator: otherwise nobody might be left."),
    _("This address is no longer valid. Whoever runs the server can find the receipt."),
)

# What counts of an import or an erasure are called, in this order.
COUNTED = {
    "memories_created": ngettext_lazy("memory is new", "memories are new"),
    "memories_updated": ngettext_lazy("memory changes", "memories change"),
    "memories_unchanged": ngettext_lazy("memory is here already", "memories are here already"),
    "repeated": ngettext_lazy("is in the file twice", "are in the file twice"),
    "empty": ngettext_lazy("has no text", "have no text"),
    "left_out": ngettext_lazy("is left out", "are left out"),
    "not_kept": ngettext_lazy(
        "is of a category that you do not keep", "are of categories that you do not keep"
    ),
    "apps_created": ngettext_lazy("app is new", "apps are new"),
    "apps_updated": ngettext_lazy("app changes", "apps change"),
    "categories_created": ngettext_lazy("category is new", "categories are new"),
    "access_rules_created": ngettext_lazy("rule is new", "rules are new"),
    "status_changes_created": ngettext_lazy("change of state is new", "changes of state are new"),
    "revisions_created": ngettext_lazy("revision is new", "revisions are new"),
    "vectors_taken_over": ngettext_lazy("vector is taken over", "vectors are taken over"),
    "User": ngettext_lazy("user", "users"),
    "Memory": ngettext_lazy("memory", "memories"),
    "Revision": ngettext_lazy("former text", "former texts"),
    "StateChange": ngettext_lazy("change of state", "changes of state"),
    "Categorization": ngettext_lazy("category of a memory", "categories of memories"),
    "UserCategory": ngettext_lazy("category", "categories"),
    "Embedding": ngettext_lazy("vector", "vectors"),
    "Access": ngettext_lazy("entry of what was read", "entries of what was read"),
    "App": ngettext_lazy("app", "apps"),
    "AccessRule": ngettext_lazy("rule", "rules"),
    "ApiKey": ngettext_lazy("key", "keys"),
    "Job": ngettext_lazy("export, import or other job", "exports, imports and other jobs"),
    "backups": ngettext_lazy("backup", "backups"),
}


def describe_counts(counts: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Each number that is not zero, with what it counts, in words."""
    numbers = [(counts.get(name), words) for name, words in COUNTED.items()]
    return [(number, words % number) for number, words in numbers if number]
