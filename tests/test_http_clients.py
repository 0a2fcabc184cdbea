from __future__ import annotations

import asyncio
import gc
import weakref

import openai
import pytest

from callers import HELLO
from claif_cla import AsyncClaudeClient, ClaudeClient, http_clients
from claif_cla.http_clients import AsyncHttpClients, HttpClients
from loopback import json_answer, message, text_block

MODULES = {"sync": openai.DefaultHttpxClient, "async": openai.DefaultAsyncHttpxClient}


class Http:
    """Stands for an HTTP client of openai's."""

    def __init__(self, base_url="http://h.test", timeout=7):
        self.base_url, self.timeout, self.event_hooks = base_url, timeout, {}
        self.closed = 0

    async def aclose(self):
        self.closed += 1


@pytest.fixture
def loops():
    made = []

    def new():
        made.append(asyncio.new_event_loop())
        return made[-1]

    yield new
    for loop in made:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def current_in(loop, clients, first):
    return loop.run_until_complete(clients.current(first))


def test_the_first_loop_gets_openais_own_and_others_its_like(loops):
    first = Http(timeout=3)
    first.event_hooks = {"request": [print]}
    clients = AsyncHttpClients(first, own=True)
    one, other = loops(), loops()
    assert current_in(one, clients, first) is first
    like = current_in(other, clients, first)
    assert like is not first
    assert (like.base_url, like.timeout, like.event_hooks) == (
        first.base_url,
        first.timeout,
        first.event_hooks,
    )
    assert current_in(one, clients, first) is first
    assert current_in(other, clients, first) is like


def test_a_loop_that_is_shut_down_closes_its_own_and_is_forgotten(loops):
    first = Http()
    clients = AsyncHttpClients(first, own=True)
    one, other = loops(), loops()
    current_in(one, clients, first)
    like = current_in(other, clients, first)
    one.run_until_complete(one.shutdown_asyncgens())
    assert (first.closed, like.closed) == (1, 0)
    assert len(clients._homes) == 1


def test_close_leaves_nothing_for_the_loop_to_do(loops):
    async def idle():
        for _ in range(5):
            await asyncio.sleep(0)

    first, loop = Http(), loops()
    clients = AsyncHttpClients(first, own=True)
    current_in(loop, clients, first)
    loop.run_until_complete(clients.close())
    loop.run_until_complete(idle())
    assert first.closed == 1  # 2: a keeper was let go, and the loop had to close it


def test_a_loop_that_is_only_closed_is_left_at_the_next_use(loops):
    first = Http()
    clients = AsyncHttpClients(first, own=True)
    one = asyncio.new_event_loop()
    current_in(one, clients, first)
    one.close()
    current_in(loops(), clients, first)
    assert first.closed == 1
    assert len(clients._homes) == 1


def test_loops_without_an_end_are_bounded(loops, monkeypatch):
    monkeypatch.setattr(http_clients, "MAX_LOOPS", 3)
    first = Http()
    clients = AsyncHttpClients(first, own=True)
    for _ in range(9):
        current_in(loops(), clients, first)
    assert len(clients._homes) == 3


def test_a_callers_own_is_used_in_every_loop(loops):
    first = Http()
    clients = AsyncHttpClients(first, own=False)
    assert {id(current_in(loops(), clients, first)) for _ in range(3)} == {id(first)}


@pytest.mark.parametrize(
    ("own", "error", "raised"),
    [
        (False, RuntimeError("Event loop is closed"), openai.OpenAIError),
        (False, RuntimeError("another matter"), RuntimeError),
        (True, RuntimeError("Event loop is closed"), RuntimeError),
    ],
)
def test_what_a_callers_client_raises_in_another_loop_is_explained(own, error, raised):
    clients = AsyncHttpClients(Http(), own=own)
    with pytest.raises(raised) as caught, clients.explained():
        raise error
    assert type(caught.value) is raised


def test_outside_of_an_event_loop_there_is_none():
    first = Http()
    with pytest.raises(RuntimeError, match="event loop"):
        AsyncHttpClients(first, own=True).current(first).send(None)


def test_nothing_holds_the_clients_but_their_owner(loops):
    first = Http()
    clients = AsyncHttpClients(first, own=True)
    loop = loops()
    current_in(loop, clients, first)
    gone = weakref.ref(clients)
    del clients
    gc.collect()
    assert gone() is None
    loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(asyncio.sleep(0))
    assert first.closed == 1


def test_a_process_keeps_openais_own():
    with ClaudeClient(api_key="k") as client:
        clients = HttpClients(client._client, own=True)
        assert clients.current(client._client) is client._client


def test_a_client_put_in_place_by_hand_is_used(new_caller, server):
    server.enqueue(json_answer(message([text_block("Hi")])))
    caller = new_caller()
    kind = caller.kind
    replaced, caller.client._client = caller.client._client, MODULES[kind]()
    seen = []
    hooks = caller.client._client.event_hooks
    if kind == "sync":
        hooks["request"].append(seen.append)
    else:

        async def hook(request):
            seen.append(request)

        hooks["request"].append(hook)
    caller.client._client.event_hooks = hooks
    caller.create(messages=HELLO)
    assert len(seen) == 1
    for http in (replaced, caller.client._client):
        caller.run(http.close() if kind == "sync" else http.aclose())


@pytest.mark.parametrize("kind", [ClaudeClient, AsyncClaudeClient])
def test_copies_share_them_unless_they_bring_their_own(kind):
    client = kind(api_key="k")
    assert client.with_options(timeout=5)._http is client._http
    http = MODULES["sync" if kind is ClaudeClient else "async"]()
    other = client.with_options(http_client=http)
    assert other._http is not client._http
    assert other.with_options(timeout=5)._http is other._http
