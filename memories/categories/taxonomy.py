"""The categories that are known without a language model, and what belongs to each."""

from typing import NamedTuple

from django.conf import settings


class Theme(NamedTuple):
    name: str
    description: str


# A vector has one place for each, in this order: a change here wants the classifier fitted anew.
THEMES = [
    Theme(
        "personal",
        "Who the person is: name, age, home, background, character and daily habits.",
    ),
    Theme(
        "relationships",
        "Family, partners, friends and other people in the person's life.",
    ),
    Theme(
        "preferences",
        "What the person likes, dislikes, prefers or wants things to be like.",
    ),
    Theme(
        "health",
        "Illness, medicine, allergies, doctors, sleep, exercise, body and mind.",
    ),
    Theme(
        "travel",
        "Trips, flights, hotels, places visited or planned, holidays.",
    ),
    Theme(
        "food",
        "Meals, cooking, recipes, restaurants, drinks and diets.",
    ),
    Theme(
        "home",
        "Housing, furniture, garden, chores, repairs and household things.",
    ),
    Theme(
        "pets",
        "Animals that live with the person, and their care.",
    ),
    Theme(
        "work",
        "Job, employer, colleagues, career, meetings and duties at work.",
    ),
    Theme(
        "education",
        "School, university, courses, exams, studying and learning something.",
    ),
    Theme(
        "projects",
        "Things being built or organised, their tasks, deadlines and progress.",
    ),
    Theme(
        "technology",
        "Software, programming, computers, devices, data and artificial intelligence.",
    ),
    Theme(
        "support",
        "Something that does not work, an error, a complaint, a question to a help desk.",
    ),
    Theme(
        "finance",
        "Money, salary, bank, budget, debts, taxes, investments and insurance.",
    ),
    Theme(
        "shopping",
        "Buying things, orders, prices, brands, gifts and shopping lists.",
    ),
    Theme(
        "legal",
        "Contracts, law, courts, rights, visas and official papers.",
    ),
    Theme(
        "entertainment",
        "Films, series, music, games, books, theatre and concerts.",
    ),
    Theme(
        "sports",
        "Sports and outdoor activities, teams, matches, training and competitions.",
    ),
    Theme(
        "hobbies",
        "What the person does for pleasure: making, collecting, painting, gardening.",
    ),
    Theme(
        "goals",
        "Plans, wishes, resolutions and what the person wants to achieve.",
    ),
    Theme(
        "events",
        "Appointments, birthdays, parties, reminders and what happens on a day.",
    ),
    Theme(
        "messages",
        "Mails, calls, letters, chats and what was said in them.",
    ),
    Theme(
        "news",
        "Politics, world events, science and what happens in society.",
    ),
    Theme(
        "beliefs",
        "Religion, values, opinions and convictions.",
    ),
]


def allowed() -> list[str]:
    """The names of the categories that memories are put into: the operator's, or the themes'."""
    chosen: list[str] = settings.CATEGORIES
    return chosen or [theme.name for theme in THEMES]
