"""Every block of docs/clients.md, run in its order: each language is one program."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests import fences
from tests.fences import JAVASCRIPT, PYTHON, SHELL

GUIDE = Path(settings.BASE_DIR) / "docs" / "clients.md"
LANGUAGES = {"sh": SHELL, "python": PYTHON, "javascript": JAVASCRIPT}

AFRAID, BORN, KEY = (
    "Our dog Rex is afraid of thunder",
    "Mira was born on the third of May",
    "The spare key lies under the blue pot",
)

# What the code under each heading prints, whatever its language.
PRINTED = {
    "Setup": ["guide-"],
    "Store a memory": ["ADD"],
    "Search": [AFRAID, "cosine"],
    "Context for a prompt": [AFRAID, "not instructions"],
    "Conversations": ["Mira", "Jonas: Yes, he swims like a fish"],
    "List all memories": [AFRAID, BORN, KEY],
    "Edit": ["Our dog Rex sleeps through every storm"],
    "Expiry and validity": ["Ada lives in Oslo", "Successfully resumed 1 memories"],
    "Edit safely": ["seen", "checked", "revised", "stored"],
    "Send again safely": ["true"],
    "Keys of your own": ["Ann likes tea", "Successfully deleted memory"],
    "Many memories at once": ["ADD", "matched", "Successfully deleted 2 memories"],
    "Pause, resume and archive": [
        "Successfully paused 1 memories",
        "Successfully archived 1 memories",
        "Our dog Rex sleeps through every storm",
        "Successfully resumed 1 memories",
    ],
    "Apps and rules": ["Updated app details successfully", KEY],
    "Keys": ["for the house"],
    "Jobs": ["succeeded", ".zip"],
    "Delete": ["Successfully deleted memory", "Successfully deleted 2 memories"],
    "Configuration": ["Keep what is said about animals.", "bge-small-en-v1.5"],
    "Errors": ["400", "validation_failed", "text", "infer", "404", "memory_not_found"],
    "Retries": ["6"],
    "Request ids": ["checkout-42"],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_guide_does_what_it_says(language, shared_server, tmp_path):
    if shutil.which(str(LANGUAGES[language].command[0])) is None:
        pytest.skip(f"{LANGUAGES[language].command[0]} is not installed")
    blocks = [block for block in fences.read(GUIDE) if block.language == language]
    user = f"guide-{language}"
    secret = shared_server.make_key(user)

    pieces = [block.code.replace(":8000", f":{shared_server.port}") for block in blocks]
    said = LANGUAGES[language].run(pieces, tmp_path, readers_shell(shared_server, secret, tmp_path))

    printed = {block.heading: text for block, text in zip(blocks, said, strict=True)}
    missing = {
        (heading, words)
        for heading, expected in PRINTED.items()
        for words in expected
        if words not in printed[heading]
    }
    assert not missing, printed
    # The rule kept the app from the memory, although the search asked for it.
    assert "storm" not in printed["Apps and rules"].replace("Rex do in a storm", "")
    # It deletes what it names, and nothing that the reader may have besides.
    assert shared_server.call("GET", f"/memories?user_id={user}")["total"] == 6
    assert shared_server.call("GET", "/config")["openmemory"] == {"custom_instructions": None}


def test_the_guide_says_everything_in_every_language():
    headings = {language: [] for language in LANGUAGES}
    for block in fences.read(GUIDE):
        headings[block.language].append(block.heading)

    assert list(headings.values()) == [list(PRINTED)] * len(LANGUAGES)


def readers_shell(shared_server, secret, folder):
    """What is around the reader of the guide: the server's folder, and the variables it names."""
    (folder / "var").mkdir()
    (folder / "var" / "api_key").write_text(secret)
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OPENMEMORY_URL": shared_server.url,
        "OPENMEMORY_API_KEY": secret,
    }
