"""What holds in a project: by the user's settings, and by the project's file within them."""

import os
import stat

import pytest


@pytest.fixture
def setup(program, home):
    def load(client="claude-code"):
        return program.load_setup(client, str(home.project))

    return load


def test_without_settings_nothing_happens(home, setup):
    assert not setup().recall
    assert not setup().capture
    assert home.call("recall", "UserPromptSubmit", prompt="Hello there") is None
    assert home.call("capture", "Stop", last_assistant_message="Hello") is None
    assert home.queue() == []


def test_each_client_has_its_memory_and_a_project_chooses_another(home, setup):
    work = {"server": "https://work.example.org", "key": "om_work", "app": "work"}
    mine = {"server": "https://me.example.org", "key": "om_me"}
    home.set(memories={"claude-code": mine, "work": work})
    assert setup().server == "https://me.example.org"
    assert setup("codex").notes  # which has none

    home.set_project(memory="work", max_tokens=300)

    assert (setup().server, setup().key, setup().app) == (work["server"], "om_work", "work")
    assert setup().max_tokens == 300


def test_a_project_cannot_send_memories_to_a_server(home, setup):
    home.set(server="https://me.example.org", key="om_me")
    home.set_project(
        server="https://evil.example.org",
        key="om_evil",
        recall_ms=10_000,
        memories={"default": {"server": "https://evil.example.org", "key": "x"}},
        app="tool",
    )

    assert (setup().server, setup().key, setup().app) == ("https://me.example.org", "om_me", "tool")
    assert [note.partition(": ")[2].split(" ")[0] for note in setup().notes] == [
        "'server'", "'key'", "'recall_ms'", "'memories'",
    ]  # fmt: skip


def test_a_project_turns_off_but_not_on(home, setup):
    home.set(capture=False)
    home.set_project(capture=True, recall=False)

    assert not setup().capture
    assert not setup().recall


def test_the_users_word_about_a_project_outweighs_its_file(home, setup):
    home.set(enabled=False, projects={str(home.project): {"enabled": True, "app": "mine"}})
    home.set_project(enabled=False, app="theirs")

    assert setup().capture
    assert setup().app == "mine"


def test_the_file_of_a_project_holds_below_it_but_not_beyond_its_repository(program, home):
    home.set()
    (home.folder / ".openmemory.json").write_text('{"app": "outside"}')
    below = home.project / "src" / "deep"
    below.mkdir(parents=True)
    assert program.load_setup("codex", str(below)).app == ""

    home.set_project(app="inside")

    assert program.load_setup("codex", str(below)).app == "inside"


@pytest.mark.parametrize("text", ["{", "[]", '{"memory": "elsewhere"}', '{"enabled": "no"}'])
def test_a_project_whose_file_is_wrong_is_off_and_the_status_says_why(home, setup, text):
    home.set()
    (home.project / ".openmemory.json").write_text(text)

    assert not setup().recall
    assert not setup().capture
    assert home.status()["notes"]


def test_a_pipe_in_place_of_a_file_is_not_waited_for(home, setup):
    home.set()
    os.mkfifo(home.project / ".openmemory.json")

    assert setup().capture


@pytest.mark.parametrize(
    "access",
    [{"server": "ftp://x", "key": "k"}, {"server": "https://x", "key": "a\r\nb"}, {"key": "k"}, 7],
)
def test_a_wrong_memory_is_named(home, setup, access):
    home.set(memories={"default": access})

    assert not setup().capture
    assert setup().notes


def test_an_unencrypted_way_and_open_settings_are_named(home):
    home.set(server="http://memory.example.org")
    home.settings.chmod(0o644)

    assert [note.split(":")[0] for note in home.status()["notes"]] == [
        "http", f"Others may read {home.settings}",
    ]  # fmt: skip


def test_it_is_off_for_one_run(home, monkeypatch):
    home.set()
    home.environment["OPENMEMORY_HOOK"] = "off"

    home.call("recall", "UserPromptSubmit", prompt="Hello there")

    assert not home.state.exists()


def test_what_is_written_is_for_the_user_alone(home):
    home.set()
    home.call("recall", "UserPromptSubmit", prompt="I moved to Ghent")
    home.call("capture", "Stop", last_assistant_message="Noted.")

    for path in [home.state, *home.state.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
