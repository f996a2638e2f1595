"""Take the pictures that the README shows: `python -m tests.browser.screenshots`.

Starts a server of its own with made-up people, and writes to docs/images.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.browser import chromium
from tests.browser.chromium import DARK, DESKTOP, PHONE, Look, Visit
from tests.deadline import SECONDS
from tests.server.processes import Server

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 200_000

WIDE = Look("wide", 1400, 700, "light")

PICTURES: list[tuple[str, str, Look]] = [
    ("dashboard", "/admin/", DESKTOP),
    ("dashboard-dark", "/admin/", DARK),
    ("dashboard-phone", "/admin/", PHONE),
    ("memories", "/admin/memories/memory/", WIDE),
]

# The pages of a person.
OWN_PICTURES: list[tuple[str, str, Look]] = [
    ("own-memories", "/memories?q=What+scares+my+dog%3F", WIDE),
    ("own-memories-phone", "/memories", PHONE),
    ("own-connect", "/connect", WIDE),
]

PEOPLE = ("ada", "ben", "carla", "dario")
APPS = ("notes", "coder", "calendar", "mail")
TEXTS = (
    "{} is learning to play the cello and practises on Sundays",
    "{} booked a train to Porto for the second week of May",
    "{} prefers tea without sugar, and coffee only before ten",
    "{} is allergic to peanuts",
    "{} reviews pull requests in the morning and writes code after lunch",
    "{} has a dog named Rex who is afraid of thunder",
    "{} pays the rent on the third of each month",
    "{} is reading a history of bridges",
    "{} runs ten kilometres along the river twice a week",
    "{} wants to be reminded of Mira's birthday in May",
    "{} is moving the team's services to PostgreSQL 18",
    "{} cooks risotto when friends come over",
)
QUESTIONS = ("When do I travel?", "What may I not eat?", "Who is Rex?", "What am I reading?")


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "openmemory.settings"
    with tempfile.TemporaryDirectory(prefix="openmemory-") as folder:
        server = Server(Path(folder), USER="root", OPENMEMORY_BACKUP_FOLDER=f"{folder}/backups")
        try:
            server.start()
            password = _operator(server)
            _fill(server)
            _take(server, password)
        finally:
            server.kill_everything()


def _operator(server: Server) -> str:
    return server.output_of("create_operator", "root", "--generate")


def _fill(server: Server) -> None:
    """Have people and their agents put memories down, on many days, and ask for them."""
    post = server.post
    for person in PEOPLE:
        post("/api/v1/users", {"user_id": person})
    for person in PEOPLE:
        for number, text in enumerate(TEXTS):
            said = text.format(person.capitalize())
            body = {"user_id": person, "text": said, "app": APPS[number % len(APPS)]}
            post("/api/v1/memories", body)
        for question in QUESTIONS * 3:
            post("/api/v1/memories/search", {"user_id": person, "query": question})
    moved = "UPDATE memories_memory SET created_at = created_at - random() ^ 2 * interval '29 days'"
    paused = (
        "UPDATE memories_memory SET state = 'paused' "
        "WHERE random() < 0.1 AND content NOT LIKE '%Rex%'"  # which a picture shows
    )
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-c",
         f"from django.db import connection as c; q = c.cursor(); q.execute({moved!r}); "
         f"q.execute({paused!r})"],
        cwd=ROOT, env=server.environment, check=True, capture_output=True,
    )  # fmt: skip
    backing_up = server.manage("backup_all", server.environment["OPENMEMORY_BACKUP_FOLDER"])
    said, _ = backing_up.communicate(timeout=SECONDS)
    if backing_up.returncode:
        raise SystemExit(said)


def _take(server: Server, password: str) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with chromium.browser() as browser:
        for name, path, look in PICTURES:
            visit = Visit(browser, server.url, look)
            visit.sign_in("root", password)
            _photograph(visit, name, path)
        for name, path, look in OWN_PICTURES:
            visit = Visit(browser, server.url, look)
            visit.page.goto(server.output_of("sign_in_link", "ada", "--url", server.url))
            visit.page.get_by_role("button", name="Sign in as ada").click()
            visit.page.wait_for_url(f"{server.url}/settings")
            _photograph(visit, name, path)


def _photograph(visit: Visit, name: str, path: str) -> None:
    visit.page.goto(path)
    visit.page.wait_for_load_state("networkidle")
    # Text on one colour: as JPEG it would be larger, and look worse.
    picture = IMAGES / f"{name}.png"
    visit.page.screenshot(path=picture)
    size = picture.stat().st_size
    print(f"{picture.relative_to(ROOT)}: {size // 1000} kB")
    if size > MOST_BYTES:
        raise SystemExit(f"{picture} has more than {MOST_BYTES} bytes.")
    visit.close()


if __name__ == "__main__":
    main()
