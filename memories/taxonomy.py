"""The built-in categories, which categories are allowed without an archive, and their names."""

import re
import unicodedata
from typing import NamedTuple

from django.conf import settings

from core.errors import Malformed
from core.visible_text import is_visible
from memories.limits import MAX_CATEGORY_NAME

# Control and format characters, line separators, and what has no meaning that others share.
_REFUSED = frozenset(["Cc", "Cf", "Cs", "Co", "Zl", "Zp"])
# The joiners inside the words of some scripts and inside emoji, which are format characters.
_JOINER = re.compile(r"(?<=[^\x00-\x7f\s])[\u200c\u200d](?=[^\x00-\x7f\s])")


class InvalidCategoryName(Malformed):
    """A category name has 1 to 100 characters, without commas, line breaks or invisible ones."""

    code = "name_refused"


class BuiltInCategory(NamedTuple):
    name: str
    description: str


# The classifier has one row for each, in this order: after a change here, fit it again.
BUILT_IN_CATEGORIES = [
    BuiltInCategory(
        "personal",
        "Who the person is: name, age, home, background, character and daily habits.",
    ),
    BuiltInCategory(
        "relationships",
        "Family, partners, friends and other people in the person's life.",
    ),
    BuiltInCategory(
        "preferences",
        "What the person likes, dislikes, prefers or wants things to be like.",
    ),
    BuiltInCategory(
        "health",
        "Illness, medicine, allergies, doctors, sleep, exercise, body and mind.",
    ),
    BuiltInCategory(
        "travel",
        "Trips, flights, hotels, places visited or planned, holidays.",
    ),
    BuiltInCategory(
        "food",
        "Meals, cooking, recipes, restaurants, drinks and diets.",
    ),
    BuiltInCategory(
        "home",
        "Housing, furniture, garden, chores, repairs and household things.",
    ),
    BuiltInCategory(
        "pets",
        "Animals that live with the person, and their care.",
    ),
    BuiltInCategory(
        "work",
        "Job, employer, colleagues, career, meetings and duties at work.",
    ),
    BuiltInCategory(
        "education",
        "School, university, courses, exams, studying and learning something.",
    ),
    BuiltInCategory(
        "projects",
        "Things being built or organised, their tasks, deadlines and progress.",
    ),
    BuiltInCategory(
        "technology",
        "Software, programming, computers, devices, data and artificial intelligence.",
    ),
    BuiltInCategory(
        "support",
        "Something that does not work, an error, a complaint, a question to a help desk.",
    ),
    BuiltInCategory(
        "finance",
        "Money, salary, bank, budget, debts, taxes, investments and insurance.",
    ),
    BuiltInCategory(
        "shopping",
        "Buying things, orders, prices, brands, gifts and shopping lists.",
    ),
    BuiltInCategory(
        "legal",
        "Contracts, law, courts, rights, visas and official papers.",
    ),
    BuiltInCategory(
        "entertainment",
        "Films, series, music, games, books, theatre and concerts.",
    ),
    BuiltInCategory(
        "sports",
        "Sports and outdoor activities, teams, matches, training and competitions.",
    ),
    BuiltInCategory(
        "hobbies",
        "What the person does for pleasure: making, collecting, painting, gardening.",
    ),
    BuiltInCategory(
        "goals",
        "Plans, wishes, resolutions and what the person wants to achieve.",
    ),
    BuiltInCategory(
        "events",
        "Appointments, birthdays, parties, reminders and what happens on a day.",
    ),
    BuiltInCategory(
        "messages",
        "Mails, calls, letters, chats and what was said in them.",
    ),
    BuiltInCategory(
        "news",
        "Politics, world events, science and what happens in society.",
    ),
    BuiltInCategory(
        "beliefs",
        "Religion, values, opinions and convictions.",
    ),
]


def fold_category_name(name: str) -> str:
    """Drop what two spellings of a name may differ in: case, spacing and Unicode's forms."""
    lowered = unicodedata.normalize("NFC", " ".join(name.split())).lower()
    return unicodedata.normalize("NFC", lowered)


def normalize_category_name(name: str) -> str:
    """The name as it is stored, wherever it comes from. Raises InvalidCategoryName."""
    folded = fold_category_name(name)
    # A query separates several names with commas.
    has_refused = "," in name or any(
        unicodedata.category(character) in _REFUSED for character in _JOINER.sub("", name)
    )
    if has_refused or not is_visible(folded) or len(folded) > MAX_CATEGORY_NAME:
        raise InvalidCategoryName
    return folded


def allowed_names() -> list[str]:
    """The names that the operator has set, else those of the built-in categories."""
    names: list[str] = settings.CATEGORIES
    return names or [category.name for category in BUILT_IN_CATEGORIES]
