from __future__ import annotations

import pytest

from claif_cla.gateway.upstream import Upstream
from gateway.upstream.made import Clock, config_of, in_thread
from loopback import script


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def new_upstream(server, clock):
    """Makes upstreams of the loopback server; at the end none may have left anything open."""
    made = []

    def new(url=None, *, parts=None, **options):
        config = config_of(url or server.url, **options)
        # Half of the jitter: 0.4375 s for the first backoff.
        times = {"clock": clock, "pause": clock.pause, "chance": lambda: 0.5}
        made.append(Upstream(config, **times, **(parts or {})))
        return made[-1]

    yield new
    for upstream in made:
        taken = upstream._wire.taken
        await upstream.close()
        assert taken == 0
    await in_thread(
        server._wait_for, lambda: not server._connections, script.TIMEOUT, "connections are open"
    )


@pytest.fixture
def upstream(new_upstream):
    return new_upstream()
