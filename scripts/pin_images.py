"""Pin the images in `docker/` by digest: `make pin-images`.

A tag can be moved to another image, a digest cannot. The digests come from the registry, through
`docker buildx imagetools`, and have to be looked up again for each new tag.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

DOCKER = Path(__file__).resolve().parents[1] / "docker"

# `FROM name:tag` and `image: name:tag`, with a digest or without. This server's own image is built
# from these files, and has no tag in a registry.
_IMAGE = re.compile(
    r"^(?P<before>FROM |\s*(?:- )?image: )(?P<image>(?!openmemory)[\w./-]+:[\w.-]+)"
    r"(?P<digest>@sha256:[0-9a-f]{64})?",
    re.MULTILINE,
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class NoDigest(Exception):
    """The registry did not say which digest an image has."""


def main(folder: Path) -> int:
    try:
        for path in sorted(folder.rglob("*")):
            if path.name == "Dockerfile" or path.suffix == ".yaml":
                pin_file(path)
    except NoDigest as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def pin_file(path: Path) -> None:
    text = path.read_text()
    pinned = _IMAGE.sub(
        lambda match: f"{match['before']}{match['image']}@{find_digest(match['image'])}", text
    )
    if pinned != text:
        path.write_text(pinned)
        print(f"{path} was changed.")


def find_digest(image: str) -> str:
    """Ask the registry. Raises NoDigest."""
    command = ["docker", "buildx", "imagetools", "inspect", image]
    try:
        result = subprocess.run(  # noqa: S603
            [*command, "--format", "{{.Manifest.Digest}}"],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise NoDigest("Docker is not installed, so no digest can be looked up.") from None
    digest = result.stdout.strip()
    if result.returncode or not _DIGEST.fullmatch(digest):
        raise NoDigest(f"The digest of {image} is not known: {result.stderr.strip()}")
    return digest


if __name__ == "__main__":
    sys.exit(main(DOCKER))
