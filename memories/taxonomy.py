"""The categories that are known without a language model.

Each is described and shown in two sentences, from which its prototype is made.
"""

from typing import NamedTuple


class Theme(NamedTuple):
    name: str
    description: str
    examples: tuple[str, str]


THEMES = [
    Theme(
        "personal",
        "Who the person is: name, age, home, background, character and daily habits.",
        ("My name is Ana and I grew up in Porto.", "He gets up at six and is shy with strangers."),
    ),
    Theme(
        "relationships",
        "Family, partners, friends and other people in the person's life.",
        ("Her sister Lucy is getting married.", "Tom has been my best friend since school."),
    ),
    Theme(
        "preferences",
        "What the person likes, dislikes, prefers or wants things to be like.",
        ("I prefer tea to coffee.", "She hates loud music and loves dark mode."),
    ),
    Theme(
        "health",
        "Illness, medicine, allergies, doctors, sleep, exercise, body and mind.",
        ("He is allergic to penicillin.", "I started running to lower my blood pressure."),
    ),
    Theme(
        "travel",
        "Trips, flights, hotels, places visited or planned, holidays.",
        ("We fly to Japan in October.", "She stayed at a small hotel in Rome."),
    ),
    Theme(
        "food",
        "Meals, cooking, recipes, restaurants, drinks and diets.",
        ("I cook curry every Sunday.", "His favourite restaurant serves ramen."),
    ),
    Theme(
        "home",
        "Housing, furniture, garden, chores, repairs and household things.",
        ("The kitchen tap is leaking again.", "They moved into a new flat with a garden."),
    ),
    Theme(
        "pets",
        "Animals that live with the person, and their care.",
        ("Our dog Rex is four years old.", "The cat has to see the vet."),
    ),
    Theme(
        "work",
        "Job, employer, colleagues, career, meetings and duties at work.",
        ("She is a nurse at the city hospital.", "My manager moved the meeting to Monday."),
    ),
    Theme(
        "education",
        "School, university, courses, exams, studying and learning something.",
        ("He studies law in Leeds.", "I passed the maths exam."),
    ),
    Theme(
        "projects",
        "Things being built or organised, their tasks, deadlines and progress.",
        ("The launch of the new website is due in May.", "We finished the first prototype."),
    ),
    Theme(
        "technology",
        "Software, programming, computers, devices, data and artificial intelligence.",
        ("The service is written in Rust.", "She trains a language model on two GPUs."),
    ),
    Theme(
        "support",
        "Something that does not work, an error, a complaint, a question to a help desk.",
        ("The app crashes when I log in.", "I asked customer service for a replacement."),
    ),
    Theme(
        "finance",
        "Money, salary, bank, budget, debts, taxes, investments and insurance.",
        ("I pay 900 a month in rent.", "He invests his savings in index funds."),
    ),
    Theme(
        "shopping",
        "Buying things, orders, prices, brands, gifts and shopping lists.",
        ("Remember to buy milk and bread.", "She ordered a pair of boots online."),
    ),
    Theme(
        "legal",
        "Contracts, law, courts, rights, visas and official papers.",
        ("My visa expires in March.", "They signed the contract with the landlord."),
    ),
    Theme(
        "entertainment",
        "Films, series, music, games, books, theatre and concerts.",
        ("We watched a film by Miyazaki.", "His favourite band plays jazz."),
    ),
    Theme(
        "sports",
        "Sports and outdoor activities, teams, matches, training and competitions.",
        ("She plays football on Saturdays.", "I climbed a mountain last summer."),
    ),
    Theme(
        "hobbies",
        "What the person does for pleasure: making, collecting, painting, gardening.",
        ("I paint landscapes in watercolour.", "He collects old stamps."),
    ),
    Theme(
        "goals",
        "Plans, wishes, resolutions and what the person wants to achieve.",
        ("I want to learn Spanish this year.", "Her dream is to open a bakery."),
    ),
    Theme(
        "events",
        "Appointments, birthdays, parties, reminders and what happens on a day.",
        ("The dentist is on Friday at three.", "Call Mom on her birthday."),
    ),
    Theme(
        "messages",
        "Mails, calls, letters, chats and what was said in them.",
        ("I have to answer Maria's mail.", "He left a message on my phone."),
    ),
    Theme(
        "news",
        "Politics, world events, science and what happens in society.",
        ("The government passed a new law.", "Scientists found water on the moon."),
    ),
    Theme(
        "beliefs",
        "Religion, values, opinions and convictions.",
        ("She goes to church every week.", "He thinks honesty matters most."),
    ),
]
