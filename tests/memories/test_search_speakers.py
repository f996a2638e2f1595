import pytest

from memories.search.speakers import find_named

PEOPLE = ["Caroline", "Melanie Jones", "user", "小明", "Мария", "Will", ""]


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("When did Caroline leave?", "Caroline"),
        ("when did caroline leave?", "Caroline"),
        ("WHEN DID CAROLINE LEAVE?", "Caroline"),
        ("What is Caroline's job?", "Caroline"),
        ("What is Caroline\u2019s job?", "Caroline"),
        ("Was mag Carolines Hund?", "Caroline"),
        ("What did Melanie say?", "Melanie Jones"),
        ("What did Ms Jones say?", "Melanie Jones"),
        ("What does the user like?", "user"),
        ("小明喜欢什么茶\uff1f", "小明"),
        ("Где живёт Мария?", "Мария"),
        ("Where is Will?", "Will"),
        ("where is will?", "Will"),
    ],
)
def test_a_question_names_people_in_any_case_and_in_part(question, named):
    assert find_named(question, PEOPLE) == {named}


@pytest.mark.parametrize(
    "question",
    ["Where will Anna go?", "Carolineum", "Who uses it?", "明天喝什么茶\uff1f", "Melaniee?", ""],
)
def test_what_only_looks_like_a_name_names_nobody(question):
    assert find_named(question, PEOPLE) == frozenset()


def test_a_question_may_name_several_people():
    assert find_named("Did Caroline meet Will?", PEOPLE) == {"Caroline", "Will"}


def test_a_name_in_full_is_not_that_of_another_person_of_the_same_first_name():
    people = ["Ana Silva", "Ana Souza", "Ben"]

    assert find_named("What did Ana Silva say?", people) == {"Ana Silva"}
    assert find_named("What did Ana say?", people) == {"Ana Silva", "Ana Souza"}


def test_a_name_that_all_candidates_have_tells_nothing():
    assert find_named("What did Ana say?", ["Ana"]) == frozenset()
    assert find_named("What did Ana say?", ["Ana", ""]) == {"Ana"}
    assert find_named("What did Ana say to Ben?", ["Ana", "Ben"]) == frozenset()


def test_names_with_marks_in_them_are_read_as_they_are_written():
    people = ["O'Neil (work)", "a.b", "Zoe\u0308", "someone"]

    assert find_named("What did O'Neil (work) say?", people) == {"O'Neil (work)"}
    assert find_named("What did axb say?", people) == frozenset()
    assert find_named("What did Zo\u00eb say?", people) == {"Zoe\u0308"}
