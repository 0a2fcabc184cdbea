from __future__ import annotations

import signal
import subprocess
import sys
import time
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

from loopback import Ending, sse, stream_of, streamed, text_block

_LAZY = """
import sys
from claif_cla.cli.__main__ import main
code = main(sys.argv[1:])
heavy = {"openai", "httpx", "httpx2", "anthropic", "pydantic", "anyio"} & set(sys.modules)
print("HEAVY", sorted(heavy), "CODE", code)
"""

_HELP = [
    ["--help"],
    *(
        [name, "--help"]
        for name in ("ask", "models", "explain", "simulate", "serve", "keys", "usage")
    ),
]


@pytest.mark.parametrize("argv", [*_HELP, ["--version"], ["models"], []], ids=" ".join)
def test_nothing_heavy_is_imported_before_it_is_needed(python, argv):
    with python("-c", _LAZY, *argv) as process:
        out, err = process.communicate(timeout=30)
    code = 0 if argv else 2
    assert out.decode().splitlines()[-1] == f"HEAVY [] CODE {code}", err.decode()


@pytest.mark.parametrize("argv", _HELP, ids=" ".join)
def test_help_goes_to_stdout_and_tells_the_exit_codes(cli, argv):
    outcome = cli(*argv)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("usage: claif-cla")
    assert "Exit codes: 0 fine" in outcome.out


def test_version_is_that_of_the_package(cli):
    assert cli("--version").out == f"claif-cla {version('claif_cla')}\n"


@pytest.mark.parametrize("argv", [(), ("nonsense",), ("ask", "--nonsense", "x"), ("explain",)])
def test_wrong_usage_is_exit_code_2_with_nothing_on_stdout(cli, argv):
    outcome = cli(*argv)
    assert (outcome.code, outcome.out) == (2, "")
    assert "usage: claif-cla" in outcome.err


def test_options_are_not_abbreviated(cli):
    assert cli("models", "--liv").code == 2


def test_module_runs_as_a_command(finished):
    outcome = finished("ask", "--backend", "simulator", "Hello")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.endswith("You said: Hello\n")


def test_console_script_of_the_package_is_this_main():
    (script,) = entry_points(group="console_scripts", name="claif-cla")
    assert script.value == "claif_cla.cli.__main__:main"


def test_reader_that_leaves_early_ends_the_command_quietly(command):
    with command("ask", "--backend", "simulator", "write 50000 words") as process:
        assert process.stdout.read(5)
        process.stdout.close()
        err = process.stderr.read()
        assert (process.wait(30), err) == (0, b"")


def test_reader_that_leaves_before_the_help_is_no_error(command):
    with command("models", "--json", "--all") as process:
        process.stdout.close()
        err = process.stderr.read()
        assert (process.wait(30), err) == (0, b"")


def test_reader_that_leaves_closes_the_upstream(server, command):
    events = sse(stream_of([text_block("word " * 50_000)], piece=500))
    server.enqueue(streamed(events, ending=Ending.STALL))
    env = {"ANTHROPIC_API_KEY": "k"}
    with command("ask", "--base-url", server.url, "Hi", env=env) as process:
        process.stdout.read(5)
        process.stdout.close()
        server.wait_until_abandoned()
        assert process.wait(30) == 0
        process.stderr.close()


def wait_until_asleep(process):
    """Until the process waits in a system call.

    A signal that comes between CPython's last look for signals and the call is seen only after
    the call, which here has no end.
    """
    stat = Path(f"/proc/{process.pid}/stat")
    for _ in range(1000):
        if stat.read_text().rpartition(")")[2].split()[0] == "S":
            return
        time.sleep(0.01)
    raise TimeoutError("the process never waits")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_interrupt_ends_with_130_and_closes_the_upstream(server, command):
    events = sse(stream_of([text_block("Half an answer")]))
    server.enqueue(streamed(events[: events.index(b"message_delta")], ending=Ending.STALL))
    env = {"ANTHROPIC_API_KEY": "k"}
    with command("ask", "--base-url", server.url, "Hi", env=env) as process:
        shown = process.stdout.read(len("Half an answer"))
        wait_until_asleep(process)
        process.send_signal(signal.SIGINT)
        server.wait_until_abandoned()
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert shown + out == b"Half an answer\n"
    assert err == b""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_interrupt_before_the_answer_ends_with_130(server, command):
    server.enqueue(streamed(b"", ending=Ending.STALL))
    env = {"ANTHROPIC_API_KEY": "k"}
    with command("ask", "--base-url", server.url, "Hi", env=env) as process:
        server.wait_for_requests(1)
        wait_until_asleep(process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, b"", b"")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_full_disk_is_told_in_one_line(finished, one_line):
    with Path("/dev/full").open("wb") as full:
        outcome = finished("ask", "--backend", "simulator", "Hi", stdout=full)
    assert outcome.code == 1
    assert "No space left" in one_line(outcome.err)


def test_answer_is_replaced_not_refused_where_the_terminal_lacks_characters(server, finished):
    server.enqueue(streamed(sse(stream_of([text_block("naïve → 🙂")]))))
    env = {"ANTHROPIC_API_KEY": "k", "PYTHONIOENCODING": "ascii"}
    outcome = finished("ask", "--base-url", server.url, "Hi", env=env)
    assert (outcome.code, outcome.out, outcome.err) == (0, "na?ve ? ?\n", "")


def test_closed_stdin_and_stderr_are_no_reason_to_fail(tmp_path):
    out = tmp_path / "out"
    shell = f'"{sys.executable}" -m claif_cla.cli ask --backend simulator Hi <&- 2>&- >"{out}"'
    done = subprocess.run(["sh", "-c", shell], check=False, timeout=30)
    assert done.returncode == 0
    assert out.read_text().endswith("You said: Hi\n")
