from scripts.slow_tests import list_slow_tests

REPORT = """<testsuites><testsuite>
<testcase classname="tests.jobs.test_wait" name="test_one" time="0.3"/>
<testcase classname="tests.jobs.test_wait" name="test_quick" time="0.01"/>
<testcase classname="tests.jobs.test_wait" name="test_many[a-b[c]]" time="0.01"/>
<testcase classname="tests.jobs.test_wait" name="test_many[d]" time="1.6"/>
</testsuite></testsuites>"""


def test_what_takes_long_is_listed_by_its_function(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(REPORT)

    assert list(list_slow_tests(report)) == [
        "tests/jobs/test_wait.py::test_many",
        "tests/jobs/test_wait.py::test_one",
    ]
