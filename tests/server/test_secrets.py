import pytest
from django.core.exceptions import ImproperlyConfigured

from configuration.provider_keys import KeyMissing, KeyReference
from core import env


@pytest.fixture
def secret_file(tmp_path, monkeypatch):
    """Write a file that SECRET_FILE names."""

    def write(content):
        path = tmp_path / "secret"
        path.write_bytes(content)
        monkeypatch.setenv("SECRET_FILE", str(path))
        return path

    return write


def test_a_secret_is_read_from_its_variable(monkeypatch):
    monkeypatch.setenv("SECRET", " abc ")

    assert env.secret("SECRET") == "abc"


def test_a_secret_is_read_from_the_file_that_another_variable_names(secret_file):
    secret_file(b"abc\n")

    assert env.secret("SECRET") == "abc"


def test_several_secrets_stand_in_one_file_with_commas_between(secret_file):
    secret_file(b"abc,\ndef\n")

    assert env.secrets("SECRET") == ["abc", "def"]


def test_a_secret_that_is_set_nowhere_is_empty():
    assert env.secret("SECRET") == ""
    assert env.secrets("SECRET") == []


def test_a_secret_that_is_set_twice_is_refused_without_telling_it(secret_file, monkeypatch):
    secret_file(b"abc")
    monkeypatch.setenv("SECRET", "def")

    with pytest.raises(ImproperlyConfigured) as refusal:
        env.secret("SECRET")

    assert str(refusal.value) == "SECRET and SECRET_FILE are both set: unset one of them."


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe", "is not a text file"),
        (b"x" * 70_000, "is too long for a secret"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(secret_file, content, reason):
    path = secret_file(content)

    with pytest.raises(ImproperlyConfigured) as refusal:
        env.secret("SECRET")

    assert str(refusal.value) == f"SECRET_FILE: {path} {reason}."


def test_a_file_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    for path, reason in (
        (tmp_path / "missing", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ):
        monkeypatch.setenv("SECRET_FILE", str(path))

        with pytest.raises(ImproperlyConfigured) as refusal:
            env.secret("SECRET")

        assert str(refusal.value) == f"SECRET_FILE: {path} cannot be read: {reason}."


def test_the_key_of_a_provider_is_read_from_a_file_whenever_it_is_used(tmp_path, monkeypatch):
    path = tmp_path / "key"
    path.write_text("sk-1\n")
    monkeypatch.setenv("MY_LLM_KEY_FILE", str(path))
    reference = KeyReference("MY_LLM_KEY")

    assert reference.is_set()
    assert reference.resolve() == "sk-1"
    path.write_text("sk-2\n")
    assert reference.resolve() == "sk-2"


def test_a_key_whose_file_is_gone_is_a_missing_key(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_LLM_KEY_FILE", str(tmp_path / "key"))

    with pytest.raises(KeyMissing, match="The file that MY_LLM_KEY_FILE names contains no key"):
        KeyReference("MY_LLM_KEY").resolve()
