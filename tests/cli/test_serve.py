from __future__ import annotations

import signal
import socket
import sys
import urllib.request

import pytest

from claif_cla.gateway.config.reference import reference

FAKE_APP = """
import sys, types
class Fake:
    in_flight = 0
    def __init__(self, config): self.compat = config.chat.compat
    async def startup(self): pass
    async def shutdown(self): pass
    def reload(self, config): pass
    def begin_drain(self): pass
    async def __call__(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.compat.encode()})
app = types.ModuleType("claif_cla.gateway.app")
app.build = Fake
sys.modules["claif_cla.gateway.app"] = app
from claif_cla.cli.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
"""The command on an app that only tells its configuration."""


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "gateway.toml"
        path.write_text(text)
        return str(path)

    return write


# --check


def test_check_tells_what_would_be_served(cli, tmp_path):
    outcome = cli("serve", "--backend", "simulator", "--port", "80", "--check")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        "address    http://127.0.0.1:80",
        "upstream   the simulator",
        "accounts   not needed",
        f"keys       not needed; in {tmp_path}/state/claif-cla/keys.db",
        f"ledger     {tmp_path}/state/claif-cla/ledger.db",
        "limits     of this process",
        "metrics    on",
    ]
    assert not (tmp_path / "state").exists()


def test_check_names_accounts_and_upstream_but_no_secret(cli, config):
    file = config(
        '[[accounts]]\nname = "one"\napi_key = "planted"\n[[accounts]]\nname = "two"\n'
        'auth_token = "planted"\n[cluster]\nredis_url = "redis://:planted@localhost"\n'
        "[metrics]\npublic = true\n[server]\nhost = '::'\ninsecure = true\n"
    )
    outcome = cli("serve", "--config", file, "--base-url", "https://claude.example/v1", "--check")
    assert "accounts   one, two\n" in outcome.out
    assert "upstream   https://claude.example\n" in outcome.out
    assert "address    http://[::]:8790\n" in outcome.out
    assert "limits     shared in Redis\n" in outcome.out
    assert "metrics    public\n" in outcome.out
    assert "planted" not in outcome.out + outcome.err


def test_check_names_every_address_that_accounts_have(cli, config):
    file = config(
        '[[accounts]]\nname = "a"\napi_key = "k"\nbase_url = "https://a.example"\n'
        '[[accounts]]\nname = "b"\napi_key = "k"\nbase_url = "https://b.example"\n'
    )
    outcome = cli("serve", "--config", file, "--check")
    assert "upstream   https://a.example, https://b.example\n" in outcome.out


def test_check_doubts_a_name_that_looks_like_a_slip_and_takes_it(cli, config, one_line):
    file = config('[models]\ndefault = "sonet"\n')
    outcome = cli("serve", "--config", file, "--backend", "simulator", "--check")
    assert outcome.code == 0
    assert "did you mean `sonnet`?" in one_line(outcome.err)


def test_a_ledger_that_is_none_is_told_in_a_line(cli, config, tmp_path, one_line):
    (tmp_path / "ledger.db").write_text("Something else, and longer than nothing.")
    file = config("[ledger]\nfile = 'ledger.db'\n")
    outcome = cli("serve", "--config", file, "--backend", "simulator", "--port", "0")
    assert (outcome.code, outcome.out) == (2, "")
    assert "name another in `ledger.file`" in one_line(outcome.err)


def test_every_problem_has_its_line_and_the_exit_code_is_2(cli, config):
    file = config("[server]\nprot = 1\nmax_queued = -1\n")
    outcome = cli("serve", "--config", file, "--backend", "simulator", "--check")
    assert (outcome.code, outcome.out) == (2, "")
    assert sorted(outcome.err.splitlines()) == [
        f"claif-cla: {file}: server.max_queued: should be greater than or equal to 0",
        f"claif-cla: {file}: server.prot: unknown key; the nearest known one is `server.port`",
    ]


def test_without_a_key_it_is_said_what_to_do(cli, one_line):
    outcome = cli("serve", "--check")
    assert (outcome.code, outcome.out) == (2, "")
    assert "no account for upstream: set ANTHROPIC_API_KEY" in one_line(outcome.err)


@pytest.mark.parametrize("more", [(), ("--check",)])
def test_a_door_open_to_others_is_refused(cli, one_line, more):
    outcome = cli("serve", "--backend", "simulator", "--host", "0.0.0.0", *more)
    assert (outcome.code, outcome.out) == (2, "")
    assert "--insecure if it is meant" in one_line(outcome.err)


def test_insecure_is_a_flag_and_so_is_compat(cli, config, monkeypatch):
    monkeypatch.setenv("CLAIF_CLA_GATEWAY_CONFIG", config("[chat]\ncompat = 'loose'\n"))
    argv = ("serve", "--backend", "simulator", "--host", "0.0.0.0", "--insecure", "--check")
    assert "chat.compat" in cli(*argv).err
    outcome = cli(*argv, "--compat", "strict")
    assert outcome.code == 0
    assert "keys       not needed" in outcome.out


def test_the_reference_can_be_printed(cli):
    outcome = cli("serve", "--print-reference")
    assert (outcome.code, outcome.err, outcome.out) == (0, "", reference())


@pytest.mark.parametrize("missing", ["uvicorn", "httptools", "pydantic"])
def test_a_library_that_is_missing_is_named_with_the_extra(python, one_line, missing):
    code = f"import sys; sys.modules[{missing!r}] = None\n{FAKE_APP}"
    with python("-c", code, "serve", "--backend", "simulator", "--check") as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, b"")
    assert one_line(err.decode()) == (
        f"claif-cla: the gateway needs {missing}, which is not installed:"
        " pip install 'claif_cla[gateway]'"
    )


# Serving


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals to another process")
@pytest.mark.parametrize("quiet", [False, True])
def test_it_serves_with_its_address_on_stdout_until_it_is_told_to_stop(python, quiet):
    argv = ["serve", "--backend", "simulator", "--port", "0", "--compat", "lenient"]
    with python("-c", FAKE_APP, *argv, *(["--quiet"] if quiet else [])) as process:
        url = process.stdout.readline().decode().strip()
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert answer.read() == b"lenient"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, b"")
    assert (err == b"") is quiet


def test_a_port_in_use_is_told_in_one_line(python, one_line):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        argv = ["serve", "--backend", "simulator", "--port", str(port)]
        with python("-c", FAKE_APP, *argv) as process:
            out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, b"")
    assert f"127.0.0.1:{port} is in use; choose another --port" in one_line(err.decode())
