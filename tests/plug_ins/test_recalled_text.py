"""What was recalled is marked, and taken out of what is captured."""

import pytest

ID = "6d80dc2e-887c-48fb-ab74-97c18f1ac0ee"
LINE = f"- [{ID}] 2026-01-31: My bicycle is a green Brompton"
TURN = f"- [{ID}] 2026-01-31, Ana: user: Where is the spare key? assistant: Under the blue pot. Ok!"
TEXT = f"<memories>\nWhat is stored.\n\nFacts:\n{LINE}\n{TURN}\n</memories>"

REPEATED = {
    LINE: "",
    f"Here:\n{LINE}\nThat is all.": "Here:\nThat is all.",
    "You have it noted: My bicycle is a green Brompton. Nice!": "You have it noted: . Nice!",
    "My bicycle\n is a green   Brompton": "",
    "* My bicycle is a green Brompton\nShall I go on?": "Shall I go on?",
    "You asked: Where is the spare key?": "You asked:",
    "<openmemory-recall>\nanything at all\n</openmemory-recall>\nYes.": "Yes.",
    "Yes. <openmemory-recall>\nwithout an end": "Yes.",
    "<memories>\nas the tool gives it\n</memories> Done.": "Done.",
    "Your bike is green.": "Your bike is green.",
}


@pytest.mark.parametrize("answer", REPEATED)
def test_what_was_recalled_is_taken_out_of_an_answer(program, answer):
    recalled = program.list_recalled(TEXT)

    assert program.take_out_recalled(answer, recalled) == REPEATED[answer]


def test_an_escaped_character_is_recognized(program):
    recalled = program.list_recalled(f"- [{ID}] 2026-01-31: The tag is &lt;section> here")

    assert program.take_out_recalled("The tag is <section> here", recalled) == ""


def test_a_memory_cannot_end_the_mark(program):
    marked = program.mark_recalled(f"a {program.CLOSING} b")

    assert marked.count(program.CLOSING) == 1
    assert marked.endswith(program.CLOSING)


def test_a_user_may_say_again_what_is_remembered(program, home):
    home.set()
    setup = program.load_setup("claude-code", str(home.project))
    session = {"recalled": program.list_recalled(TEXT)}
    event = {"session_id": "one"}

    program.begin_turn(session, event, setup, "My bicycle is a green Brompton")
    program.queue_turn(session, event, setup, "My bicycle is a green Brompton")

    (turn,) = home.queue()
    assert turn["messages"] == [{"role": "user", "content": "My bicycle is a green Brompton"}]
