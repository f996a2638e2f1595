"""The changelog begins with the version that is built."""

import re
from pathlib import Path

from django.conf import settings


def test_its_newest_version_is_that_of_the_server() -> None:
    changelog = (Path(settings.BASE_DIR) / "CHANGELOG.md").read_text()

    assert re.findall(r"(?m)^## (.+)$", changelog)[0] == settings.VERSION
