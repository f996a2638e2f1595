from tests.cast import Member


def found(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [result["text"] for result in answer.json()["results"]]


def search(member: Member, query: str, **body) -> list[str]:
    return found(member.post("/memories/search", {"query": query, **body}))


def test_a_question_finds_by_meaning(alice):
    alice.remember("My dog needs a walk every morning.")
    alice.remember("The tax office wrote about last year's return.")

    assert search(alice, "Does she have a pet?")[0] == "My dog needs a walk every morning."
