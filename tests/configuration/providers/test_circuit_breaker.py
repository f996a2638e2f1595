import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import caches

from configuration.errors import KeyRejected, ProviderUnreachable
from configuration.fake import Fault
from configuration.providers import circuit_breaker, get_language_model
from configuration.providers.circuit_breaker import (
    FAILURE_THRESHOLD,
    FIRST_OPEN_SECONDS,
    MAX_OPEN_SECONDS,
    CircuitBreaker,
)

from .conftest import fake_llm_settings
from .test_llm import ask


@pytest.fixture(params=["shared", "down"])
def cache(request, settings):
    """Where the state is: in the shared cache or, if that is down, in this process."""
    if request.param == "shared":
        return caches["circuits"]
    down = {**settings.CACHES["circuits"], "LOCATION": "redis://127.0.0.1:1"}
    settings.CACHES = {**settings.CACHES, "circuits": down}
    return circuit_breaker._fallback_cache


@pytest.fixture
def breaker(cache):
    """A circuit breaker without a state."""
    return CircuitBreaker("vllm", "http://127.0.0.1:1/v1", secrets.token_hex())


def fail(breaker, times):
    for _ in range(times):
        breaker.record_failure()


def end_open_time(breaker, cache):
    cache.delete(breaker._open_key)


def test_a_few_failures_leave_it_closed(breaker):
    fail(breaker, FAILURE_THRESHOLD - 1)

    assert breaker.request_call() is None


def test_failures_in_a_row_open_it_for_all(breaker):
    fail(breaker, FAILURE_THRESHOLD)

    assert 1 <= breaker.request_call() <= FIRST_OPEN_SECONDS
    assert CircuitBreaker("vllm", breaker.base_url, breaker.key).request_call() is not None


def test_another_key_or_address_is_not_concerned(breaker):
    fail(breaker, FAILURE_THRESHOLD)

    assert CircuitBreaker("vllm", breaker.base_url, None).request_call() is None
    assert CircuitBreaker("vllm", "http://127.0.0.1:2/v1", breaker.key).request_call() is None


def test_a_success_forgets_the_failures(breaker):
    fail(breaker, FAILURE_THRESHOLD - 1)
    breaker.record_success()
    fail(breaker, FAILURE_THRESHOLD - 1)

    assert breaker.request_call() is None


def test_after_the_pause_one_tries_and_the_others_wait(breaker, cache):
    fail(breaker, FAILURE_THRESHOLD)
    end_open_time(breaker, cache)

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: breaker.request_call(), range(8)))

    assert waits.count(None) == 1
    assert waits.count(1.0) == 7


def test_when_it_fares_well_all_may_call_again(breaker, cache):
    fail(breaker, FAILURE_THRESHOLD)
    end_open_time(breaker, cache)
    breaker.request_call()
    breaker.record_success()

    assert [breaker.request_call(), breaker.request_call()] == [None, None]


def test_when_it_fails_again_the_pause_is_longer_up_to_a_bound(breaker, cache):
    waits = []
    fail(breaker, FAILURE_THRESHOLD - 1)
    for _ in range(9):
        breaker.record_failure()
        waits.append(breaker.request_call())
        end_open_time(breaker, cache)

    # The remaining time: on a slow machine, less than the full time.
    assert waits[:6] == sorted(waits[:6])
    assert waits[2] > FIRST_OPEN_SECONDS
    assert min(waits[6:]) > MAX_OPEN_SECONDS / 2
    assert max(waits) <= MAX_OPEN_SECONDS


def test_it_stays_open_for_as_long_as_the_provider_asks(breaker):
    fail(breaker, FAILURE_THRESHOLD - 1)
    breaker.record_failure(retry_after=60)

    assert 30 < breaker.request_call() <= 60


def test_an_open_circuit_is_not_called(fake):
    settings = fake_llm_settings(fake)
    fake.fault = Fault.ERROR
    for _ in range(2):
        with pytest.raises(ProviderUnreachable):
            ask(get_language_model(settings))
    called = fake.calls.total()

    with pytest.raises(ProviderUnreachable, match="is not called") as raised:
        ask(get_language_model(settings))

    assert fake.calls.total() == called == FAILURE_THRESHOLD
    assert raised.value.retryable
    assert raised.value.retry_after > 0


def test_what_is_no_failure_of_the_server_does_not_open_it(fake):
    fake.fault = Fault.KEY
    for _ in range(FAILURE_THRESHOLD + 1):
        with pytest.raises(KeyRejected):
            ask(get_language_model(fake_llm_settings(fake)))
