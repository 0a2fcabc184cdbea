from __future__ import annotations

import pytest

from gateway.redis_server import RedisServer, check_installed


@pytest.fixture(scope="session")
def _session_redis(tmp_path_factory):
    check_installed()
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture
def redis_server(_session_redis):
    """A running, empty Redis; a test may kill it and start it again."""
    _session_redis.kill()
    _session_redis.start()
    return _session_redis
