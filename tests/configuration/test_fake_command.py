import pytest
from django.core.management import CommandError, call_command


def test_a_port_that_there_is_none_of_is_told_in_a_sentence():
    with pytest.raises(CommandError, match="Port 99999 cannot be served on"):
        call_command("fake_llm", "--port", "99999")
