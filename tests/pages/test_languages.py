"""Everything that pages say is said in German, too."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

FOLDER = Path(settings.BASE_DIR) / "pages"
CATALOG = FOLDER / "locale" / "de" / "LC_MESSAGES" / "django.po"


def entries():
    return CATALOG.read_text().split("\n\n")[1:]


def test_no_text_lacks_its_translation():
    lacking = [entry for entry in entries() if re.search(r'^msgstr(\[\d\])? ""$', entry, re.M)]

    assert lacking == []
    assert not any("#, fuzzy" in entry for entry in entries())


@pytest.mark.skipif(shutil.which("msgfmt") is None, reason="gettext is not installed")
def test_the_compiled_catalog_is_that_of_the_texts(tmp_path):
    compiled = tmp_path / "django.mo"

    subprocess.run(["msgfmt", "--check-format", "-o", compiled, CATALOG], check=True)

    assert compiled.read_bytes() == CATALOG.with_suffix(".mo").read_bytes()


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="gettext is not installed")
def test_the_catalog_has_every_text(tmp_path):
    copy = tmp_path / "pages"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
    before = set(re.findall(r'^msgid "(.*)"$', CATALOG.read_text(), re.M))

    command = ["makemessages", "--locale", "de", "--no-wrap"]
    subprocess.run(
        [sys.executable, "-m", "django", *command],
        cwd=copy,
        env={name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
        check=True,
        capture_output=True,
    )

    catalog = copy / "locale" / "de" / "LC_MESSAGES" / "django.po"
    active = re.sub(r"^#~.*$", "", catalog.read_text(), flags=re.M)
    assert set(re.findall(r'^msgid "(.*)"$', active, re.M)) == before
