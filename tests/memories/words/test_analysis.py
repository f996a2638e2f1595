"""What is asked is among the words of what is stored, in every script."""

import pytest

from memories.words import document_lexemes, query_terms

FOUND = [
    # codes and numbers
    ("Invoice INV-2024-0045 from X was paid", "invoice 0045"),
    ("Invoice INV-2024-0045 from X was paid", "0045"),
    ("Invoice INV-2024-0045 from X was paid", "INV-2024-0045"),
    ("Invoice INV-2024-0045 from X was paid", "inv20240045"),
    ("Invoice INV-2024-0045 from X was paid", "invoice 45"),
    ("My seat is P-113", "P113"),
    ("My seat is P-113", "p 113"),
    ("My seat is P113", "P-113"),
    ("Patch CVE-2026-2332 at once", "2332"),
    ("Patch CVE-2026-2332 at once", "cve-2026-2332"),
    ("Call me at 555-0142", "0142"),
    ("Call me at 555-0142", "5550142"),
    ("Call me at +49 (30) 123-456", "30 123456"),
    ("The ticket is ABC_123_x", "abc 123"),
    ("Order #A-17/2025", "A17"),
    ("It costs 1,000 euros", "1000"),
    ("He ran 3.14 km", "3.14"),
    ("The 18th of May", "18"),
    ("The 18th of May", "18th"),
    ("Flight LH1234 to Oslo", "LH 1234"),
    ("Gate code 4711#", "4711"),
    ("Room 2.04 on floor 2", "room 2.04"),
    # paths, addresses, versions
    ("Order tea/coffee for Monday", "coffee"),
    ("The settings in nginx.conf are wrong", "nginx"),
    ("The settings in nginx.conf are wrong", "nginx.conf"),
    ("Edit /etc/nginx/sites-enabled/default.conf", "sites-enabled"),
    (r"It is in C:\Users\Ana\notes.txt", "notes"),
    ("Write to ana.silva@mail.example.com", "silva"),
    ("Write to ana.silva@mail.example.com", "ana.silva@mail.example.com"),
    ("Write to ana.silva@mail.example.com", "example.com"),
    ("See https://docs.example.org/guide/install?lang=de", "guide install"),
    ("See https://docs.example.org/guide/install?lang=de", "example.org"),
    ("Upgraded to v2.10.3", "2.10.3"),
    ("Upgraded to v2.10.3", "v2.10.3"),
    ("Python 3.12 is installed", "python3.12"),
    ("He writes C++ and C#", "c++"),
    ("He writes C++ and C#", "C#"),
    ("Deploys ASP.NET on node.js", "node"),
    # compound names
    ("Call getUserName first", "user name"),
    ("Call getUserName first", "getusername"),
    ("Use HTTPServer", "http server"),
    ("Set max_open_files to 9", "open files"),
    ("#MachineLearning is fun", "machine learning"),
    ("#MachineLearning is fun", "machinelearning"),
    ("She loves YouTube", "youtube"),
    ("She prefers wi-fi", "wifi"),
    ("Sent three e-mails", "email"),
    ("Met O'Brien", "obrien"),
    ("Ana\u2019s bike is red", "ana's bike"),
    # accents, case, width, Unicode's forms
    ("We met at the café", "cafe"),
    ("We met at the cafe", "café"),
    ("We met at the cafe\u0301", "caf\u00e9"),
    ("We met at the caf\u00e9", "cafe\u0301"),
    ("Straße 5", "strasse 5"),
    ("STRASSE 5", "Straße"),
    ("He was born in İstanbul", "istanbul"),
    ("He was born in Istanbul", "İSTANBUL"),
    ("Herr Müller called", "Mueller"),
    ("Herr Mueller called", "Müller"),
    ("Herr Müller called", "muller"),
    ("Łukasz from Łódź", "lukasz lodz"),
    ("Søren lives in Ærø", "soren aero"),
    ("Nguyễn Văn Đức", "nguyen van duc"),
    ("\uff26\uff35\uff2c\uff2c width \uff12\uff10\uff12\uff14", "full 2024"),
    ("a so\u00adft hyphen", "soft"),
    ("zero\u200bwidth", "zerowidth"),
    # forms
    ("She adopted two cats", "cat adopting"),
    ("Ich habe zwei Katzen", "Katze"),
    ("Die Häuser sind alt", "Haus"),
    ("Wir haben gestern Äpfel gekauft", "Apfel"),
    ("Tengo dos perros en la casa", "perro"),
    ("J'ai deux chevaux et une maison", "maisons"),
    ("Ho comprato le scarpe nuove per il matrimonio", "scarpa nuova"),
    ("Дома две кошки", "кошка"),
    ("Ёлка стоит", "елка"),
    ("Έχω δύο γάτες", "γατα"),
    ("عندي قِطّة", "قطة"),
    # Chinese
    ("医生让我少喝咖啡", "咖啡"),
    ("医生让我少喝咖啡", "医生"),
    ("我每天早上喝茶", "茶"),
    ("我用Python写代码", "python 代码"),
    ("他住在上海浦东新区", "浦东"),
    ("订单号是２０２４０１１７", "20240117"),
    # Japanese
    ("毎朝コーヒーを飲みます", "コーヒー"),
    ("毎朝ｺｰﾋｰを飲みます", "コーヒー"),
    ("妹は東京に住んでいる", "東京"),
    ("ねこが好きです", "ねこ"),
    ("犬を飼っています", "犬"),
    # Korean
    ("아침마다 커피를 마셔요", "커피"),
    ("나는 서울에서 살아요", "서울"),
    ("고양이가 두 마리 있어요", "고양이"),
    ("집이 멀어요", "집"),
    ("커피 마시기", "\u110f\u1165\u1111\u1175"),
    # Thai, Lao, Khmer, Burmese
    ("ฉันชอบกาแฟดำตอนเช้า", "กาแฟ"),
    ("แม่อยู่ที่เชียงใหม่", "เชียงใหม่"),
    ("ຂ້ອຍມັກກາເຟ", "ກາເຟ"),
    ("ខ្ញុំចូលចិត្តកាហ្វេ", "កាហ្វេ"),
    # emoji
    ("Friday is 🍕 night", "🍕"),
    ("Thanks 👍🏽!", "👍"),
    ("I ❤️ you", "❤"),
]

NOT_FOUND = [
    ("Invoice INV-2024-0045 was paid", "0046"),
    ("医生让我少喝咖啡", "红茶"),
    ("ฉันชอบกาแฟ", "ชาเขียว"),
    ("아침마다 커피를 마셔요", "녹차"),
    ("She loves the sea", "seat"),
    ("10² metres", "10³"),
]


def has_words(stored: str, asked: str) -> bool:
    lexemes = set(document_lexemes(stored))
    required = [term for term in query_terms(asked) if term.required]
    return bool(required) and all(not lexemes.isdisjoint(term.forms) for term in required)


@pytest.mark.parametrize(("stored", "asked"), FOUND)
def test_a_memory_has_the_words_of_the_query(stored, asked):
    assert has_words(stored, asked)


@pytest.mark.parametrize(("stored", "asked"), NOT_FOUND)
def test_a_memory_has_no_words_that_it_does_not_have(stored, asked):
    assert not has_words(stored, asked)


def test_a_text_of_any_length_is_analysed():
    assert document_lexemes("") == []
    assert query_terms(" …!? ") == []
    assert max(map(len, document_lexemes("a" * 32_000))) == 100
    assert document_lexemes("-".join("abc" for _ in range(8_000))) == ["abc"]


def test_possessives_and_contractions_leave_no_words_behind():
    assert document_lexemes("Nora's dog, I'll, they've, don\u2019t") == ["dog", "nora"]
