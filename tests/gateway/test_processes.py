"""The real `claif-cla serve` in a process of its own: signals, and sudden death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import httpx2
import pytest

from claif_cla.gateway.keys import KeyLimits, KeyStore
from claif_cla.gateway.ledger import Report
from loopback import Gate, json_answer, message, sse, stream_of, streamed, text_block, usage_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such signals")

HELLO = {"model": "sonnet", "messages": [{"role": "user", "content": "Hello"}]}
WHOLE = message([text_block("Hi")], usage=usage_of(1000, 500))
EVENTS = sse(stream_of([text_block("Hi there")], usage=usage_of(1000, 500)))


@pytest.fixture
def serve(server, tmp_path):
    """Starts the command before the loopback upstream: `with serve() as (process, url)`."""
    config = tmp_path / "gateway.toml"

    @contextmanager
    def started(more=""):
        config.write_text(
            f'[[accounts]]\nname = "only"\napi_key = "k"\nbase_url = "{server.url}"\n'
            f"[server]\nport = 0\n{more}",
            encoding="utf-8",
        )
        env = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path)}
        command = [sys.executable, "-m", "claif_cla.cli", "serve", "--config", str(config)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
        ) as process:
            try:
                yield process, process.stdout.readline().strip()
            finally:
                process.kill()

    started.config = config
    return started


def post(url, headers=None, **more):
    with httpx2.Client(timeout=30) as client:
        return client.post(f"{url}/v1/chat/completions", json={**HELLO, **more}, headers=headers)


def requests_in(ledger):
    with Report(ledger) as report:
        return sum(sums.requests for sums in report.sums(["model"]))


def test_a_running_stream_outlives_sigterm(serve, server):
    gate = Gate()
    server.enqueue(streamed([EVENTS[:200], gate, EVENTS[200:]]))
    # The first comment brings the head of the answer: what has come so far is no whole event.
    with serve("comment_seconds = 0.5\n") as (process, url):
        with (
            httpx2.Client(timeout=30) as client,
            client.stream(
                "POST", f"{url}/v1/chat/completions", json={**HELLO, "stream": True}
            ) as answer,
        ):
            server.wait_for_requests(1)
            gate.wait_until_reached()
            process.send_signal(signal.SIGTERM)
            line = ""
            while "stopping" not in line:
                line = process.stderr.readline()
            gate.open()
            told = answer.read().decode()
        assert told.endswith("data: [DONE]\n\n")
        assert process.wait(timeout=30) == 0


def test_sighup_changes_what_comes_and_drops_nothing(serve, server):
    gate = Gate()
    server.enqueue(streamed([EVENTS[:200], gate, EVENTS[200:]]), json_answer(WHOLE))
    told = []
    with serve() as (process, url):
        stream = threading.Thread(target=lambda: told.append(post(url, stream=True).text))
        stream.start()
        gate.wait_until_reached()
        text = serve.config.read_text(encoding="utf-8")
        serve.config.write_text(f'{text}\n[models]\ndeny = ["claude-opus-*"]\n', encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        line = ""
        while "read again" not in line:
            line = process.stderr.readline()
        assert post(url, model="opus").status_code == 403
        assert post(url).status_code == 200
        gate.open()
        stream.join(30)
    assert told[0].endswith("data: [DONE]\n\n")


def test_a_killed_process_has_lost_nothing_that_it_answered(serve, server, tmp_path):
    ledger = tmp_path / "claif-cla" / "ledger.db"
    server.answer_with(lambda request: json_answer(WHOLE))
    answered = 0
    for count in (1, 7, 20):
        with serve() as (process, url):
            for _ in range(count):
                answered += post(url).status_code == 200
            process.kill()
            process.wait(timeout=30)
        assert requests_in(ledger) == answered
    with serve() as (process, url):
        assert post(url).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert requests_in(ledger) == answered + 1


def test_a_spent_budget_stays_spent(serve, server, tmp_path):
    server.answer_with(lambda request: json_answer(WHOLE))
    store = KeyStore(tmp_path / "claif-cla" / "keys.db")
    _, secret = store.create("poor", limits=KeyLimits(daily_budget=1))
    store.close()
    headers = {"authorization": f"Bearer {secret}"}
    with serve() as (process, url):
        assert post(url, headers).status_code == 200
        process.kill()
    with serve() as (_, url):
        answer = post(url, headers)
        assert answer.status_code == 429
        assert answer.json()["error"]["code"] == "insufficient_quota"
