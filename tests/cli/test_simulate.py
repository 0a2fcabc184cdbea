from __future__ import annotations

import contextlib
import json
import shlex
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

import anthropic
import pytest

from claif_cla import ClaudeClient


@contextlib.contextmanager
def _running(command, *argv) -> Iterator[tuple]:
    """The process, once it listens, and its address."""
    with command("simulate", "--port", "0", *argv) as process:
        try:
            yield process, process.stdout.readline().decode().strip()
        finally:
            process.kill()


def test_anthropic_sdk_and_our_client_can_call_it(command):
    with _running(command, "--quiet") as (_, url):
        with anthropic.Anthropic(base_url=url, api_key="any") as client:
            answer = client.messages.create(
                model="claude-opus-5-5",
                max_tokens=50,
                messages=[{"role": "user", "content": "Hello"}],
            )
            assert "simulator" in answer.content[-1].text
        with ClaudeClient(base_url=url, api_key="any") as ours:
            completion = ours.chat.completions.create(
                messages=[{"role": "user", "content": "Hello"}]
            )
            assert "simulator" in completion.choices[0].message.content


def test_ask_can_call_it(command, cli, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "any")
    with _running(command, "--quiet") as (_, url):
        assert cli("ask", "--base-url", url, "Hello").out.endswith("You said: Hello\n")


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals to another process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_when_told(command, number):
    with _running(command) as (process, url):
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out == b""
    assert err.splitlines()[-1] == b"claif-cla: stopped"
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/v1/models", timeout=5)


def test_hints_work_as_they_are_printed(command):
    with _running(command) as (process, url):
        lines = [process.stderr.readline().decode().strip() for _ in range(4)]
        assert "no model" in lines[0]
        assert lines[1].endswith(f'anthropic.Anthropic(base_url="{url}", api_key="any")')
        assert lines[2].endswith(f'claif_cla.OpenAI(base_url="{url}", api_key="any")')
        curl, address, *options = shlex.split(lines[3])[1:]
        assert (curl, address) == ("curl", f"{url}/v1/messages")
        headers = dict(
            value.split(": ")
            for flag, value in zip(options[::2], options[1::2], strict=True)
            if flag == "-H"
        )
        request = urllib.request.Request(address, options[-1].encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            assert json.load(response)["type"] == "message"


def test_quiet_shows_the_address_and_nothing_else(command):
    with _running(command, "--quiet") as (process, url):
        assert url.startswith("http://127.0.0.1:")
        process.terminate()
        out, err = process.communicate(timeout=30)
    assert (out, err) == (b"", b"")


def test_faults_are_acted_out(command, cli, monkeypatch, one_line):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "any")
    with _running(command, "--fault", "404", "--quiet") as (_, url):
        outcome = cli("ask", "--base-url", url, "Hello")
    assert outcome.code == 1
    assert "error 404" in one_line(outcome.err)


def test_port_in_use_is_told_in_one_line(cli, one_line):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        outcome = cli("simulate", "--port", str(port))
    assert (outcome.code, outcome.out) == (1, "")
    assert f"127.0.0.1:{port} is in use; choose another --port" in one_line(outcome.err)


def test_address_that_cannot_be_had_is_told_in_one_line(cli, one_line):
    outcome = cli("simulate", "--host", "127.0.0.1.invalid.", "--port", "0")
    assert outcome.code == 1
    assert "cannot listen on 127.0.0.1.invalid." in one_line(outcome.err)


@pytest.mark.parametrize("option", ["--fault", "--pace"])
def test_options_that_are_not_understood_are_named(cli, one_line, option):
    outcome = cli("simulate", option, "nonsense")
    assert (outcome.code, outcome.out) == (2, "")
    assert one_line(outcome.err).startswith(f"claif-cla: {option}: `nonsense` is not understood")
