import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import caches

from configuration.fake import Fault
from configuration.providers import KeyRefused, ProviderUnreachable, circuit_breaker, completer_for
from configuration.providers.circuit_breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Circuit

from .conftest import llm
from .test_llm import ask


@pytest.fixture(params=["shared", "away"])
def cache(request, settings):
    """Where it is known: in the cache of all, or, while that is away, in this process."""
    if request.param == "shared":
        return caches["circuits"]
    nowhere = {**settings.CACHES["circuits"], "LOCATION": "redis://127.0.0.1:1"}
    settings.CACHES = {**settings.CACHES, "circuits": nowhere}
    return circuit_breaker._own


@pytest.fixture
def new(cache):
    """A circuit that nothing is known of."""
    return Circuit("vllm", "http://127.0.0.1:1/v1", secrets.token_hex())


def fail(new, times):
    for _ in range(times):
        new.failed()


def end_pause(new, cache):
    cache.delete(new._open)


def test_a_few_failures_leave_it_closed(new):
    fail(new, FAILURES - 1)

    assert new.pause() is None


def test_failures_in_a_row_open_it_for_all(new):
    fail(new, FAILURES)

    assert 1 <= new.pause() <= FIRST_PAUSE
    assert Circuit("vllm", new.base_url, new.key).pause() is not None


def test_another_key_or_address_is_not_concerned(new):
    fail(new, FAILURES)

    assert Circuit("vllm", new.base_url, None).pause() is None
    assert Circuit("vllm", "http://127.0.0.1:2/v1", new.key).pause() is None


def test_a_success_forgets_the_failures(new):
    fail(new, FAILURES - 1)
    new.succeeded()
    fail(new, FAILURES - 1)

    assert new.pause() is None


def test_after_the_pause_one_tries_and_the_others_wait(new, cache):
    fail(new, FAILURES)
    end_pause(new, cache)

    with ThreadPoolExecutor(8) as pool:
        pauses = list(pool.map(lambda _: new.pause(), range(8)))

    assert pauses.count(None) == 1
    assert pauses.count(1.0) == 7


def test_when_it_fares_well_all_may_call_again(new, cache):
    fail(new, FAILURES)
    end_pause(new, cache)
    new.pause()
    new.succeeded()

    assert [new.pause(), new.pause()] == [None, None]


def test_when_it_fails_again_the_pause_is_longer_up_to_a_bound(new, cache):
    pauses = []
    fail(new, FAILURES - 1)
    for _ in range(9):
        new.failed()
        pauses.append(new.pause())
        end_pause(new, cache)

    # What is left of a pause when it is asked for: on a slow machine, less than all of it.
    assert pauses[:6] == sorted(pauses[:6])
    assert pauses[2] > FIRST_PAUSE
    assert min(pauses[6:]) > LONGEST_PAUSE / 2
    assert max(pauses) <= LONGEST_PAUSE


def test_it_stays_open_for_as_long_as_the_provider_asks(new):
    fail(new, FAILURES - 1)
    new.failed(retry_after=60)

    assert 30 < new.pause() <= 60


def test_an_open_circuit_is_not_called(fake):
    settings = llm(fake)
    fake.fault = Fault.ERROR
    for _ in range(2):
        with pytest.raises(ProviderUnreachable):
            ask(completer_for(settings))
    called = fake.calls.total()

    with pytest.raises(ProviderUnreachable, match="left alone") as raised:
        ask(completer_for(settings))

    assert fake.calls.total() == called == FAILURES
    assert raised.value.retryable
    assert raised.value.retry_after > 0


def test_what_is_no_failure_of_the_server_does_not_open_it(fake):
    fake.fault = Fault.KEY
    for _ in range(FAILURES + 1):
        with pytest.raises(KeyRefused):
            ask(completer_for(llm(fake)))
