"""What looks like a secret stays on the machine."""

import pytest

# Put together, so that no scanner of repositories takes them for real ones.
SECRETS = {
    "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEabc\n-----END RSA PRIVATE KEY-----": "MIIEabc",
    "-----BEGIN OPENSSH PRIVATE " + "KEY-----\nb3BlbnNz and no end": "b3BlbnNz",
    "The key sk-" + "ant-api03-abcdefghijklmnopqrst works": "abcdefghijklmnopqrst",
    "use sk-" + "proj-AbC123AbC123AbC123AbC123": "AbC123",
    "AKIA" + "IOSFODNN7EXAMPLE is ours": "IOSFODNN7EXAMPLE",
    "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789": "abcdefghij",
    "github_pat_" + "11ABCDEFG0abcdefghijk": "11ABCDEFG0",
    "xoxb-" + "123456789012-abcdefghij": "123456789012",
    "My key is om_" + "9I35PgFaFJi8fa5AR4Yhcx": "9I35Pg",
    "Authorization: Bearer " + "abcdef.ghijkl-mnop": "abcdef.ghijkl",
    "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0.abcDEF": "eyJzdWIiOiIxMjM0",
    "postgres://app:" + "s3cr3t-word@db/app": "s3cr3t-word",
    "My password is " + "hunter2, do not tell": "hunter2",
    "password: " + "correct-horse": "correct-horse",
    "DB_PASSWORD=" + "tr0ub4dor": "tr0ub4dor",
    '"api_key": "' + 'abc123def456"': "abc123def456",
    "Das Passwort lautet " + "Geheim99": "Geheim99",
    "mi contraseña es " + "perro123": "perro123",
    "密码\uff1a" + "abc12345": "abc12345",
    "export TOKEN='" + "q1w2e3r4t5'": "q1w2e3r4t5",
    'SECRET_KEY = "' + 'one word and 7 more"': "7 more",
    "secret_key_base: " + "9f86d081884c7d659a2feaa0": "9f86d081",
    "The passwd for the old server is " + "Tr0ub4dor&3": "Tr0ub4dor",
    "DB_PASS=" + "hunter-two": "hunter-two",
    "pw: " + "hunter-two": "hunter-two",
    "token " + "9f86d081884c7d659a2feaa0c55ad015": "9f86d081",
    "machine x.example login ana password " + "s3cr3t": "s3cr3t",
    "backup --password " + "hunter-two daily": "hunter-two",
    "mysql -u root -p" + "hunter-two shop": "hunter-two",
    "docker login -u ana -p " + "hunter-two": "hunter-two",
    "curl -u 'ana:" + "my two words' https://x.example": "two words",
    "OPENROUTER_KEY=" + "abc123def456": "abc123def456",
    "https://hooks.slack.com/services/" + "T00000000/B00000000/XXXXXXXX": "T00000000",
    "Cookie: sid=" + "abcdef; other=1": "abcdef",
    "The card 4111 1111 " + "1111 1111 is mine": "1111",
    "My PIN is " + "4711": "4711",
    "the 2FA code: " + "123456": "123456",
    "The seed phrase is " + "abandon " * 11 + "about": "abandon",
    "My API key is " + "abc123def456": "abc123def456",
    "api key " + "0123456789abcdef0123456789abcdef": "0123456789",
    "The private key: " + "4c0883a69102937d6231471b5dbb6204": "4c0883a6",
    "omr_" + "0123456789abcdef_0123456789abcdef": "0123456789abcdef",
    "VAULT hvs." + "CAESIJxyz1234567890": "CAESIJ",
    "Authorization: token " + "abcdef123456": "abcdef123456",
    "Proxy-Authorization: Basic " + "YWJjOmRlZg==": "YWJjOmRl",
    "https://x.example/a?sig=" + "abcdefgh%2F12345": "abcdefgh",
    "postgres://app:p@ss" + "word@db/app": "word@",
    "I changed the password to " + "hunter2": "hunter2",
    "The wifi password's " + "hunter2": "hunter2",
    "if password == '" + "hunter2':": "hunter2",
    "ALTER USER ana WITH PASSWORD '" + "hunter'": "hunter",
    "<password>" + "hunter</password>": "hunter",
    "My login is ana / " + "hunter2": "hunter2",
    "wachtwoord: " + "zonnetje": "zonnetje",
    "비밀번호: " + "abc12345": "abc12345",
    "ldapsearch -D cn=ana -w " + "hunter-two": "hunter-two",
    "The door code is " + "4711": "4711",
    "123456 is your verification " + "code": "123456",
    "Seed words: " + "legal winner " * 5 + "thank yellow": "winner",
    "Take Zx9" + "QwErTy12UiOp34AsDf56GhJk78LzXcVb90 for it": "QwErTy12",
}

ORDINARY = [
    "The password is wrong",
    "Why is the password required here?",
    "The token budget is 800, and the key idea is simple.",
    "My bicycle is a green Brompton",
    "See commit 3f786850e387550fdab836ed7e6dc881de23001b",
    "The id is 6d80dc2e-887c-48fb-ab74-97c18f1ac0ee",
    "Edit src/components/authentication/PasswordResetFormController.tsx",
    "https://example.org/a/long/path/that/goes/on/and/on/index.html",
    "a_very_long_function_name_that_nobody_would_write_twice()",
    "Use the --token option, or --password-stdin",
    "mysql -u root -p shop, and psql -p 5432",
    "The token for the request is validated in the middleware",
    "git push -u origin main:main, docker run -u 1000:1000",
    "primary_key=id, token_count: 5000, secret_name = vault",
    "The order 4111 1111 1111 1112 came on 2026-11-28 at 1764302400000",
    "The password sha256 makes is long, and pin 13 blinks",
    "Use basic authentication, or the bearer authentication scheme",
    "The API key is required, and is passed in a header",
    "Change the password to something else, or ssh login db1:5432",
    "Authorization: Bearer $TOKEN, and the access code 200 returns",
    "2024 is the year of my code, and HTTP 2000 is the status code",
    "Wir treffen uns am Schlüsselbund-Museum um 10:30",
]


@pytest.mark.parametrize("text", SECRETS)
def test_what_looks_like_a_secret_is_withheld(program, text):
    cleaned, kinds = program.withhold_secrets(text)

    assert SECRETS[text] not in cleaned
    assert "[withheld]" in cleaned
    assert len(kinds) == 1


@pytest.mark.parametrize("text", ORDINARY)
def test_what_looks_ordinary_is_not(program, text):
    assert program.withhold_secrets(text) == (text, [])


def test_a_secret_reaches_neither_the_disk_nor_the_server(home):
    home.set()

    home.call("recall", "UserPromptSubmit", prompt="My password is " + "hunter2, and I like tea")
    home.call("capture", "Stop", last_assistant_message="Noted: ghp_" + "a1" * 20)

    files = [path.read_text() for path in home.state.rglob("*") if path.is_file()]
    assert not [text for text in files if "hunter2" in text or "a1a1a1" in text]
    (turn,) = home.queue()
    assert turn["messages"][0]["content"] == "My password is [withheld], and I like tea"
    assert home.status()["withheld"] == {"password": 1, "key": 1}
    assert "1 key, 1 password (stayed on this machine)" in home.run("status").stdout


@pytest.mark.parametrize(
    "text", ["password ", "curl -u a", "A_KEY=a", "mysql ", "4", "seed phrase a "]
)
def test_a_long_text_is_searched_at_its_ends(home, text):
    home.set()
    secret = "hunter-two"

    long = f"The password is {secret}, {text * 300_000} and so the password: {secret}"
    home.call("recall", "UserPromptSubmit", prompt=long)
    home.call("capture", "Stop", last_assistant_message=long)

    (turn,) = home.queue()
    for message in turn["messages"]:
        assert message["content"].startswith("The password is [withheld], ")
        assert message["content"].endswith("and so the password: [withheld]")
