"""The built-in categories, which need no language model, and which categories are allowed."""

from typing import NamedTuple

from django.conf import settings


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


def allowed_names() -> list[str]:
    """The names that the operator has set, else those of the built-in categories."""
    names: list[str] = settings.CATEGORIES
    return names or [category.name for category in BUILT_IN_CATEGORIES]
