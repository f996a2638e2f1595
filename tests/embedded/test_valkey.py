from __future__ import annotations

from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.core.cache import cache

from embedded.errors import ServiceFailed
from embedded.state_folder import broker_url
from embedded.valkey import Valkey

from .conftest import bring_up


def test_the_cache_of_the_tests_is_an_embedded_valkey() -> None:
    cache.set("asked", "answered", timeout=5)

    assert cache.get("asked") == "answered"
    assert settings.CACHES["default"]["LOCATION"] == broker_url(settings.STATE_DIR)


def test_what_was_queued_outlives_kill_9(state_dir: Path) -> None:
    valkey = Valkey(state_dir, durable=False)
    try:
        bring_up(valkey)
        with redis.Redis.from_url(broker_url(state_dir)) as client:
            client.rpush("queue", "message")

        assert valkey.process is not None
        valkey.process.kill()
        valkey.process.wait()
        bring_up(valkey)

        with redis.Redis.from_url(broker_url(state_dir)) as client:
            assert client.lrange("queue", 0, -1) == [b"message"]
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-lru"}
    finally:
        valkey.stop()


def test_a_start_that_fails_shows_the_end_of_its_log(state_dir: Path) -> None:
    valkey = Valkey(state_dir, durable=False)
    (state_dir / "valkey" / "appendonlydir").mkdir(parents=True)
    (state_dir / "valkey" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")

    valkey.start()

    with pytest.raises(ServiceFailed, match=r"(?s)Valkey exited with status 1\..*manifest"):
        valkey.wait()
