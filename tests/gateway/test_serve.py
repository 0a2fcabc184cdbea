from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from claif_cla.gateway.config import Config, ConfigError
from claif_cla.gateway.keys.store import KeyStore
from claif_cla.gateway.serve import any_keys

FAKE = Path(__file__).with_name("fake_gateway.py")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such signals to a process")


class Running:
    """A process that serves the fake gateway."""

    def __init__(self, config, env):
        self.config = config
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", str(FAKE), str(config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=env,
        )
        self.url = self.process.stdout.readline().strip()

    def signal(self, number):
        self.process.send_signal(number)

    def told(self, words):
        """Read stderr up to the line with these words."""
        lines = []
        for line in self.process.stderr:
            lines.append(line)
            if words in line:
                return line
        raise AssertionError("".join(lines))

    def hello(self):
        with urllib.request.urlopen(f"{self.url}/hello", timeout=30) as answer:
            return answer.read().decode().split()[0]

    def connect(self):
        parts = urlsplit(self.url)
        return socket.create_connection((parts.hostname, parts.port), timeout=30)

    def ended(self):
        out, err = self.process.communicate(timeout=30)
        assert out == ""
        return self.process.returncode, err


class Talk:
    """A `/talk` that is open in both directions."""

    def __init__(self, running):
        self.socket = running.connect()
        self.file = self.socket.makefile("rb")
        self.socket.sendall(b"POST /talk HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        assert self.file.readline() == b"HTTP/1.1 200 OK\r\n"
        while self.file.readline() != b"\r\n":
            pass
        assert self.heard() == b"hi"

    def say(self, text):
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(text), text))

    def heard(self):
        """The next piece; None where the answer is cut."""
        try:
            size = self.file.readline()
            return self.file.read(int(size, 16) + 2)[:-2] if size else None
        except ConnectionError:
            return None

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.fixture
def running(tmp_path):
    """Start one with a configuration; it is gone after the test."""
    env = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    config = tmp_path / "gateway.toml"
    with contextlib.ExitStack() as closing:

        def start(text="", port=0):
            config.write_text(f"[upstream]\nbackend = 'simulator'\n[server]\nport = {port}\n{text}")
            one = Running(config, env)
            closing.callback(one.process.stderr.close)
            closing.callback(one.process.stdout.close)
            closing.callback(one.process.wait, 30)
            closing.callback(one.process.kill)
            return one

        yield start


@pytest.fixture
def talk():
    with contextlib.ExitStack() as closing:

        def start(running):
            one = Talk(running)
            closing.callback(one.close)
            return one

        yield start


def wait_until_closed(running):
    """Until nobody listens there."""
    for _ in range(3000):
        try:
            running.connect().close()
        except ConnectionError:
            return
        time.sleep(0.01)
    raise TimeoutError("it still listens")


# Start


def test_its_address_is_the_only_line_on_stdout_and_answers(running):
    one = running()
    assert one.url.startswith("http://127.0.0.1:")
    assert one.hello() == "adapt"
    one.signal(signal.SIGTERM)
    code, err = one.ended()
    assert (code, err.splitlines()) == (0, ["app: startup", "app: shutdown"])


def test_every_address_of_a_name_is_listened_on(running):
    one = running("host = 'localhost'")
    port = urlsplit(one.url).port
    for *_, address in {*socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM)}:
        socket.create_connection(address[:2], timeout=30).close()


def test_nobody_is_let_in_from_elsewhere_without_keys(running):
    one = running("host = '0.0.0.0'")
    assert one.url == ""
    code, err = one.ended()
    assert code == 2
    assert err.startswith("refused: server.host: others can reach 0.0.0.0, and there are no keys")


def test_the_address_of_a_client_is_not_what_it_says_unless_the_proxy_is_trusted(running):
    def client_of(one):
        headers = {"x-forwarded-for": "192.0.2.7"}
        request = urllib.request.Request(f"{one.url}/hello", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode().split()[1]

    assert client_of(running()) == "127.0.0.1"
    assert client_of(running("trusted_proxies = ['127.0.0.1']")) == "192.0.2.7"


# End


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_running_answer_ends_in_peace_while_nobody_else_is_let_in(running, talk, number):
    one = running()
    talking = talk(one)
    one.signal(number)
    assert talking.heard() == b"draining"
    wait_until_closed(one)
    talking.say(b"still")
    assert talking.heard() == b"still"
    talking.say(b"bye")
    assert [talking.heard(), talking.heard()] == [b"bye", b""]
    code, err = one.ended()
    assert code == 0
    assert "stopping; still running, for at most 30 seconds: 1" in err
    assert "cut" not in err


def test_an_answer_that_outlives_the_drain_is_cut_and_ends_in_order(running, talk):
    one = running("drain_seconds = 0")
    talking = talk(one)
    one.signal(signal.SIGTERM)
    assert talking.heard() == b"draining"
    assert talking.heard() is None
    code, err = one.ended()
    assert code == 0
    assert {"cut what still ran: 1", "app: cut"} < {*err.splitlines()}
    assert err.endswith("app: shutdown\n")


def test_a_second_signal_ends_at_once(running, talk):
    one = running("drain_seconds = 86400")
    talking = talk(one)
    one.signal(signal.SIGTERM)
    assert talking.heard() == b"draining"
    one.signal(signal.SIGTERM)
    assert talking.heard() is None
    code, err = one.ended()
    assert code == 130
    assert err.endswith("app: shutdown\n")


def test_an_idle_connection_does_not_hold_up_the_end(running):
    one = running("drain_seconds = 86400")
    with one.connect() as idle, one.connect() as used:
        used.sendall(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n")
        assert used.recv(1)
        one.signal(signal.SIGTERM)
        assert one.ended()[0] == 0
        assert idle.recv(1) == b""


# Reload


def test_sighup_changes_what_new_requests_get_and_no_running_one(running, talk):
    one = running()
    talking = talk(one)
    text = one.config.read_text()
    one.config.write_text(f"{text}\n[chat]\ncompat = 'strict'\n")
    one.signal(signal.SIGHUP)
    one.told("the configuration was read again")
    assert one.hello() == "strict"
    talking.say(b"bye")
    assert talking.heard() == b"bye"


def test_a_configuration_that_is_not_valid_is_told_and_the_old_one_stays(running):
    one = running()
    text = one.config.read_text()
    one.config.write_text(f"{text}\n[chat]\ncompatt = 'strict'\n")
    one.signal(signal.SIGHUP)
    assert "the nearest known one is `chat.compat`" in one.told("compatt")
    one.told("the old one stays")
    assert one.hello() == "adapt"
    one.config.write_text(f"{text}\n[chat]\ncompat = 'strict'\n")
    one.signal(signal.SIGHUP)
    one.told("the configuration was read again")
    assert one.hello() == "strict"


def test_what_needs_a_restart_is_named_and_the_rest_taken(running):
    one = running()
    text = one.config.read_text().replace("port = 0", "port = 1\nhost = '0.0.0.0'")
    one.config.write_text(f"{text}\n[chat]\ncompat = 'strict'\n[keys]\nfile = 'other.db'\n")
    one.signal(signal.SIGHUP)
    assert one.told("needs a restart") == "server.host changed; that needs a restart\n"
    assert one.told("needs a restart") == "server.port changed; that needs a restart\n"
    assert one.told("needs a restart") == "keys.file changed; that needs a restart\n"
    one.told("the configuration was read again")
    assert one.hello() == "strict"


def test_an_app_that_does_not_take_the_configuration_keeps_the_old_one(running):
    one = running()
    text = one.config.read_text()
    one.config.write_text(f"{text}\n[chat]\ncompat = 'lenient'\n")
    one.signal(signal.SIGHUP)
    line = one.told("was not taken")
    assert "RuntimeError" in line
    assert "planted" not in line
    assert one.hello() == "adapt"


def test_the_bounds_of_connections_are_read_again_too(running):
    one = running()
    text = one.config.read_text()
    one.config.write_text(f"{text}\nmax_header_bytes = 1024\n")
    one.signal(signal.SIGHUP)
    one.told("the configuration was read again")
    with one.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                client.sendall(b"x: " + b"y" * 1000 + b"\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 431 ")


# Keys


@pytest.fixture
def keyed(tmp_path):
    return Config(keys={"file": tmp_path / "keys.db"})


def test_a_file_of_keys_is_not_made_by_looking_for_it(keyed):
    assert any_keys(keyed) is False
    assert not keyed.keys.file.exists()


def test_a_revoked_key_still_closes_the_doors(keyed):
    store = KeyStore(keyed.keys.file)
    key, _ = store.create("one")
    assert any_keys(keyed) is True
    store.revoke(key.id)
    store.close()
    assert any_keys(keyed) is True


def test_a_key_file_that_cannot_be_read_is_told(keyed):
    keyed.keys.file.write_text("this is no database, however long one looks at it " * 20)
    with pytest.raises(ConfigError, match=r"keys\.file: cannot use the keys in "):
        any_keys(keyed)


def test_with_a_key_others_are_let_in(running, tmp_path):
    store = KeyStore(tmp_path / "state" / "claif-cla" / "keys.db")
    store.create("one")
    store.close()
    one = running("host = '0.0.0.0'")
    assert one.url.startswith("http://0.0.0.0:")
