import pytest
from django.core.management import CommandError, call_command


@pytest.mark.parametrize("dimensions", ["-1", "0", "many"])
def test_vectors_have_a_number_of_dimensions(dimensions):
    with pytest.raises(CommandError, match="--dimensions: must be a number from 1 to 10000"):
        call_command("fake_llm", f"--dimensions={dimensions}")


def test_a_port_that_there_is_none_of_is_told_in_a_sentence():
    with pytest.raises(CommandError, match="Cannot listen on port 99999"):
        call_command("fake_llm", "--port", "99999")
