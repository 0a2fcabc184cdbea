"""One client, used from several event loops, threads and processes; nothing is left behind.

What the operating system shows is judged in processes of their own: descriptors, warnings of
unclosed sockets, children.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from callers import HELLO
from claif_cla import AsyncClaudeClient, ClaudeClient
from loopback import json_answer, message, sse, stream_of, streamed, text_block

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

PRELUDE = """
import asyncio, gc, multiprocessing, os, sys, threading, warnings
import openai
from claif_cla import AsyncClaudeClient, ClaudeClient

ASKED = {"messages": [{"role": "user", "content": "Hello!"}]}
options = {"api_key": "k", "base_url": sys.argv[1], "max_retries": 0}

def descriptors():
    gc.collect()
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

async def ask(client, stream=False):
    answer = await client.chat.completions.create(**ASKED, stream=stream)
    if not stream:
        return answer.choices[0].message.content
    return "".join([c.choices[0].delta.content or "" async for c in answer])

def ask_now(client, stream=False):
    answer = client.chat.completions.create(**ASKED, stream=stream)
    if not stream:
        return answer.choices[0].message.content
    return "".join([c.choices[0].delta.content or "" for c in answer])
"""


def outcome(server, script, *options):
    """What the script prints in a process of its own; any word on stderr is a failure."""
    server.answer_with(echo)
    command = [sys.executable, *options, "-c", PRELUDE + textwrap.dedent(script), server.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout.splitlines()


def echo(request):
    blocks = [text_block("Hello there")]
    if request.json.get("stream"):
        return streamed(sse(stream_of(blocks, piece=2)))
    return json_answer(message(blocks))


# Event loops


LOOPS = """
client, before = AsyncClaudeClient(**options), 0
for turn in range(5):
    print(asyncio.run(ask(client)), "|", asyncio.run(ask(client, stream=True)))
    before = before or descriptors()
print(descriptors() - before)
"""


def test_one_asyncio_run_after_another(server):
    lines = outcome(server, LOOPS, "-W", "always")
    assert lines == ["Hello there | Hello there"] * 5 + ["0"]
    server.wait_until_closed()


LOOPS_NOT_SHUT_DOWN = """
client = AsyncClaudeClient(**options)
for turn in range(4):
    loop = asyncio.new_event_loop()
    print(loop.run_until_complete(ask(client)))
    loop.close()
    before = descriptors() if turn == 1 else 0
    if turn == 3:
        print(descriptors() - before <= 0 or before == 0)
"""


def test_loops_that_are_closed_without_being_shut_down(server):
    lines = outcome(server, LOOPS_NOT_SHUT_DOWN, "-W", "ignore")
    assert lines == ["Hello there"] * 4 + ["True"]


HALF_READ = """
client, left = AsyncClaudeClient(**options), []
async def leave():
    stream = await client.chat.completions.create(**ASKED, stream=True)
    left.append(stream)
    await anext(aiter(stream))
    await stream.close()
for turn in range(4):
    asyncio.run(leave())
    print(asyncio.run(ask(client)))
"""


def test_streams_that_were_left_in_an_earlier_loop(server):
    assert outcome(server, HALF_READ, "-W", "always") == ["Hello there"] * 4
    server.wait_until_closed()


MIXED = """
client = AsyncClaudeClient(**options)
main = asyncio.new_event_loop()
print(main.run_until_complete(ask(client)))
for turn in range(3):
    worker = threading.Thread(target=lambda: print(asyncio.run(ask(client))))
    worker.start()
    worker.join()
    print(main.run_until_complete(ask(client.with_options(timeout=5))))
main.run_until_complete(client.close())
print(client.is_closed(), len(client._http._homes))
main.run_until_complete(main.shutdown_asyncgens())
main.close()
"""


def test_loops_of_several_threads_beside_each_other(server):
    lines = outcome(server, MIXED, "-W", "always")
    assert lines == ["Hello there"] * 7 + ["True 0"]
    assert len(server.requests) == 7
    server.wait_until_closed()


ANYIO = """
import anyio
client = AsyncClaudeClient(**options)
for backend in sys.argv[2:] or ["asyncio"]:
    for turn in range(3):
        print(anyio.run(ask, client, backend=backend))
print(asyncio.run(ask(client)))
"""


@pytest.mark.parametrize("backends", [["asyncio"], ["asyncio", "trio"]])
def test_anyio_and_trio(server, backends):
    if any(importlib.util.find_spec(name) is None for name in backends):
        pytest.skip("trio is not installed")
    script = ANYIO.replace("sys.argv[2:] or", f"{backends} or")
    assert set(outcome(server, script, "-W", "always")) == {"Hello there"}
    server.wait_until_closed()


def test_a_loop_keeps_its_connection(server):
    server.answer_with(echo)
    client = AsyncClaudeClient(api_key="k", base_url=server.url)

    async def several():
        for _ in range(3):
            await client.chat.completions.create(messages=HELLO)
        return server.open_connections

    assert [asyncio.run(several()) for _ in range(3)] == [1, 1, 1]
    server.wait_until_closed()


def test_a_client_that_is_dropped_closes_its_connections(server):
    server.answer_with(echo)

    async def ask():
        client = AsyncClaudeClient(api_key="k", base_url=server.url)
        await client.chat.completions.create(messages=HELLO)
        del client
        gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)
        await asyncio.to_thread(server.wait_until_closed)

    asyncio.run(ask())


def test_a_closed_client_stays_closed_in_every_loop(server):
    server.answer_with(echo)
    client = AsyncClaudeClient(api_key="k", base_url=server.url, max_retries=0)
    copy = client.with_options(timeout=5)

    async def use():
        await copy.chat.completions.create(messages=HELLO)

    asyncio.run(use())
    assert not client.is_closed()
    asyncio.run(client.close())
    assert client.is_closed()
    assert copy.is_closed()
    for _ in range(2):
        with pytest.raises((RuntimeError, openai.APIConnectionError)):
            asyncio.run(use())
    assert len(server.requests) == 1


LOOPS_OF_ANOTHERS = """
client = AsyncClaudeClient(**options, http_client=openai.DefaultAsyncHttpxClient())
print(asyncio.run(ask(client)))
try:
    asyncio.run(ask(client))
except openai.OpenAIError as error:
    print("Make one client per event loop" in str(error), len(str(error).splitlines()))
"""


def test_a_callers_http_client_is_refused_with_a_word_in_another_loop(server):
    assert outcome(server, LOOPS_OF_ANOTHERS, "-W", "ignore") == ["Hello there", "True 1"]


# Threads


def test_many_threads_share_one_client_whole_and_streamed(server):
    server.answer_with(echo)
    threads, start = 32, threading.Barrier(32)
    with ClaudeClient(api_key="k", base_url=server.url, max_retries=0) as client:

        def ask(number):
            start.wait(10)
            said = []
            for turn in range(3):
                if (number + turn) % 2:
                    whole = client.chat.completions.create(messages=HELLO)
                    said.append(whole.choices[0].message.content)
                else:
                    stream = client.chat.completions.create(messages=HELLO, stream=True)
                    said.append("".join(c.choices[0].delta.content or "" for c in stream))
            return said

        with ThreadPoolExecutor(threads) as pool:
            answers = list(pool.map(ask, range(threads)))
        assert answers == [["Hello there"] * 3] * threads
        assert server.open_connections <= threads
    server.wait_until_closed()


# Processes


FORK = """
client = ClaudeClient(**options)
print(ask_now(client), flush=True)
child = os.fork()
if not child:
    said = [ask_now(client), ask_now(client, stream=True), ask_now(client.with_options(timeout=5))]
    os._exit(0 if said == ["Hello there"] * 3 else 1)
said = [ask_now(client) for _ in range(5)]
_, status = os.waitpid(child, 0)
print(status, *said, sep=", ")
print(ask_now(client, stream=True))
"""


@forks
def test_a_fork(server):
    lines = outcome(server, FORK)
    assert lines == ["Hello there", ", ".join(["0"] + ["Hello there"] * 5), "Hello there"]
    server.wait_until_closed()


FORK_IN_USE = """
client = ClaudeClient(**options)
stream = client.chat.completions.create(**ASKED, stream=True)
first = next(iter(stream))
def child():
    assert [ask_now(client) for _ in range(3)] == ["Hello there"] * 3
    client.close()
    assert client.is_closed()
process = multiprocessing.get_context("fork").Process(target=child)
process.start()
process.join()
print(process.exitcode)
print("".join(chunk.choices[0].delta.content or "" for chunk in stream))
print(ask_now(client), client.is_closed())
"""


@forks
def test_multiprocessing_forks_in_the_middle_of_a_stream(server):
    assert outcome(server, FORK_IN_USE) == ["0", "Hello there", "Hello there False"]


FORK_ASYNC = """
client = AsyncClaudeClient(**options)
async def main():
    assert await ask(client) == "Hello there"
    child = os.fork()
    if not child:
        asyncio.events._set_running_loop(None)
        os._exit(0 if asyncio.run(both()) == ["Hello there"] * 2 else 1)
    return [await ask(client), os.waitpid(child, 0)[1], await ask(client, stream=True)]
async def both():
    return [await ask(client), await ask(client, stream=True)]
print(asyncio.run(main()))
"""


@forks
def test_a_fork_out_of_an_event_loop(server):
    assert outcome(server, FORK_ASYNC) == ["['Hello there', 0, 'Hello there']"]


FORK_OF_ANOTHERS = """
client = ClaudeClient(**options, http_client=openai.DefaultHttpxClient())
print(ask_now(client), flush=True)
child = os.fork()
if not child:
    try:
        ask_now(client)
    except openai.OpenAIError as error:
        os._exit(0 if "Make the client in the child process" in str(error) else 2)
    os._exit(1)
print(os.waitpid(child, 0)[1], ask_now(client))
"""


@forks
def test_a_callers_http_client_is_refused_with_a_word_after_a_fork(server):
    assert outcome(server, FORK_OF_ANOTHERS) == ["Hello there", "0 Hello there"]


FORK_WITH_THREADS = """
client = ClaudeClient(**options)
stop = threading.Event()
def busy():
    while not stop.is_set():
        client._own["thinking_memory"].keep(["a", "b"], [{"type": "text", "text": "x" * 999}])
        client._claif.warner._once(DeprecationWarning, "k", "t")
warnings.simplefilter("ignore")
workers = [threading.Thread(target=busy) for _ in range(4)]
for worker in workers:
    worker.start()
status = []
for _ in range(10):
    child = os.fork()
    if not child:
        os._exit(0 if ask_now(client) == "Hello there" else 1)
    status.append(os.waitpid(child, 0)[1])
stop.set()
for worker in workers:
    worker.join()
print(status)
"""


@forks
def test_a_fork_while_other_threads_use_the_client(server):
    assert outcome(server, FORK_WITH_THREADS, "-W", "ignore") == [str([0] * 10)]
