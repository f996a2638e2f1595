from django.utils import timezone

from configuration.models import ConfigurationChange
from tests.cast import _member as member
from tests.configuration.bodies import MASK, SECRET, openai, patch, patch_llm


def logged_changes() -> list[tuple[str, list[tuple[str, object, object]]]]:
    return [
        (change.operator, [(step["field"], step["old"], step["new"]) for step in change.changes])
        for change in ConfigurationChange.objects.all()
    ]


def test_who_changed_what_and_when_is_kept(olga):
    otto = member("otto", is_staff=True, is_superuser=True)
    before = timezone.now()

    olga.put("/config", {"mem0": {"llm": openai(temperature=1)}})
    patch(otto, {"openmemory": {"custom_instructions": "Keep what they eat."}})
    olga.post("/config/reset")

    assert logged_changes() == [
        (
            "olga",
            [
                ("mem0.llm.provider", "local", "openai"),
                ("mem0.llm.config.model", None, "gpt-4o"),
                ("mem0.llm.config.temperature", 0.1, 1.0),
                ("mem0.llm.config.api_key", None, "env:OPENAI_API_KEY"),
            ],
        ),
        ("otto", [("openmemory.custom_instructions", None, "Keep what they eat.")]),
        (
            "olga",
            [
                ("mem0.llm.provider", "openai", "local"),
                ("mem0.llm.config.model", "gpt-4o", None),
                ("mem0.llm.config.temperature", 1.0, 0.1),
                ("mem0.llm.config.api_key", "env:OPENAI_API_KEY", None),
                ("openmemory.custom_instructions", "Keep what they eat.", None),
            ],
        ),
    ]
    times = [change.changed_at for change in ConfigurationChange.objects.all()]
    assert before <= times[0] <= times[1] <= times[2] <= timezone.now()


def test_secrets_are_masked_in_the_history_and_a_new_one_is_noticed(olga):
    olga.put("/config/mem0/llm", openai(api_key=SECRET))
    patch_llm(olga, api_key=SECRET[::-1][:-4] + SECRET[-4:])

    last = ("mem0.llm.config.api_key", MASK, MASK)
    assert logged_changes()[1] == ("olga", [last])
    assert SECRET not in f"{logged_changes()}"


def test_what_changes_nothing_is_no_change(olga):
    olga.put("/config/mem0/llm", openai(api_key=SECRET))

    olga.put("/config", olga.get("/config").json())
    patch_llm(olga, api_key=MASK)
    olga.put("/config/mem0/llm", {"provider": "nobody"})

    assert ConfigurationChange.objects.count() == 1


def test_the_history_outlives_the_operator(olga):
    olga.put("/config/mem0/llm", openai())

    olga.user.delete()

    change = ConfigurationChange.objects.get()
    assert (change.changed_by, change.operator) == (None, "olga")
