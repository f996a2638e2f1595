"""The memory that has the words of a query is the first, in every script."""

import pytest

pytestmark = pytest.mark.slow

INVOICES = [f"Invoice INV-2024-{number:04} from X was paid" for number in range(21, 51)]
CHINESE = [
    "我住在上海浦东",
    "妈妈喜欢吃辣的火锅",
    "我的狗叫小黑",
    "医生让我少喝咖啡",
    "下周要去北京出差",
    "他在大学教数学",
    "姐姐的生日是五月三号",
    "我每天早上跑步五公里",
    "爸爸在工厂工作了三十年",
    "我对花生过敏",
    "周末常去图书馆看书",
    "车停在地下二层",
    "我正在学习弹钢琴",
    "同事推荐了一部电影",
]
JAPANESE = [
    "妹は東京に住んでいる",
    "毎朝コーヒーを飲みます",
    "犬を二匹飼っています",
    "来週は京都に出張です",
    "父は工場で働いている",
    "私は卵アレルギーがある",
    "週末は図書館に行く",
    "母の誕生日は五月三日です",
    "ピアノを習い始めた",
    "友達が映画を勧めてくれた",
    "車は地下二階に停めた",
    "数学の先生をしています",
]
KOREAN_AND_THAI = [
    "나는 서울에서 살아요",
    "고양이가 두 마리 있어요",
    "아침마다 커피를 마셔요",
    "ฉันชอบกาแฟดำตอนเช้า",
    "แม่อยู่ที่เชียงใหม่",
    "แมวของฉันชื่อมะลิ",
]
CODES = [
    "Order tea/coffee for the meeting",
    "The settings are in nginx.conf",
    "My seat is P-113",
    "Patch CVE-2026-2332 before Friday",
    "The dentist has 555-0142",
    "The plumber has 555-0143",
    "Write to ana.silva@mail.example.com",
    "The report is at https://docs.example.org/guide/install",
    "We met at the café by the river",
    "Straße 5 is where Jo lives",
    "He flew to İstanbul in May",
    "Call getUserName before saving",
    "Upgraded to v2.10.3 yesterday",
    "Herr Müller fixed the roof",
]

FIRST = [
    (INVOICES, {"invoice 0045": 24, "0045": 24, "INV-2024-0045": 24, "invoice 31": 10}),
    (CHINESE, {"咖啡": 3, "花生": 9, "钢琴": 12, "狗": 2}),
    (JAPANESE, {"コーヒー": 1, "京都": 3, "犬": 2, "アレルギー": 5}),
    (
        KOREAN_AND_THAI,
        {"커피": 2, "고양이": 1, "서울": 0, "กาแฟ": 3, "เชียงใหม่": 4, "แมว": 5},
    ),
    (
        CODES,
        {
            "coffee": 0,
            "nginx": 1,
            "P113": 2,
            "2332": 3,
            "0142": 4,
            "silva": 6,
            "ana.silva@mail.example.com": 6,
            "install guide": 7,
            "cafe": 8,
            "strasse": 9,
            "istanbul": 10,
            "user name": 11,
            "2.10.3": 12,
            "Mueller": 13,
        },
    ),
]


@pytest.mark.parametrize(("stored", "queries"), FIRST)
def test_the_memory_with_the_words_is_the_first(alice, stored, queries):
    for text in stored:
        alice.remember(text, infer=False)

    first = {}
    for query in queries:
        answer = alice.post("/memories/search", {"query": query, "explain": True}).json()
        best = answer["results"][0]
        first[query] = best["text"]
        assert best["explanation"]["matched_words"], query

    assert first == {query: stored[number] for query, number in queries.items()}
