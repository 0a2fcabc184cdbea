from __future__ import annotations

from typing import get_args

import pytest

from claif_cla.backends.named import backend_named
from claif_cla.cli.parser import BACKENDS, COMPAT, EFFORTS, build_parser, checked_url
from claif_cla.translate.chat.efforts import EFFORTS as CORE_EFFORTS
from claif_cla.translate.receipts import Compat


def test_choices_are_those_of_the_core():
    assert get_args(Compat) == COMPAT
    assert EFFORTS == CORE_EFFORTS
    assert [backend_named(name).name for name in BACKENDS] == list(BACKENDS)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anthropic.com",
        "http://127.0.0.1:8765/v1/",
        "https://user:secret@proxy.example/claude",
        "http://[::1]:80",
    ],
)
def test_addresses_are_taken_as_given(url):
    assert checked_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.anthropic.com",
        "ftp://host",
        "https://",
        "http://[::1",
        "http://h:99999",
        "http://h:x",
    ],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ValueError, match="is no address; expected one such as"):
        checked_url(url)


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["ask", "--max-tokens", "0", "x"], "not a whole number of at least 1"),
        (["ask", "--max-tokens", "9" * 5000, "x"], "not a whole number of at least 1"),
        (["ask", "--temperature", "nan", "x"], "not a number from 0 to 2"),
        (["ask", "--temperature", "2.1", "x"], "not a number from 0 to 2"),
        (["ask", "--temperature", "hot", "x"], "not a number from 0 to 2"),
        (["ask", "--effort", "huge", "x"], "invalid choice"),
        (["ask", "--compat", "loose", "x"], "invalid choice"),
        (["ask", "--backend", "openai", "x"], "invalid choice"),
        (["ask", "--base-url", "nowhere", "x"], "is no address"),
        (["simulate", "--port", "65536"], "not a port from 0 to 65535"),
        (["simulate", "--port", "-1"], "not a port from 0 to 65535"),
    ],
)
def test_values_are_checked_before_anything_runs(capsys, argv, complaint):
    with pytest.raises(SystemExit) as stop:
        build_parser().parse_args(argv)
    assert stop.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        ["ask", "-m", "opus", "-a", "one", "Hello", "-a", "two"],
        ["ask", "Hello", "-a", "one", "-a", "two", "--model", "opus"],
        ["ask", "-a", "one", "--attach", "two", "-m", "opus", "--", "Hello"],
    ],
)
def test_options_may_stand_before_and_after_the_prompt(argv):
    args = build_parser().parse_args(argv)
    assert (args.prompt, args.model, args.attach) == ("Hello", "opus", ["one", "two"])


def test_prompt_may_begin_with_a_dash_after_two_of_them():
    assert build_parser().parse_args(["ask", "--", "-v"]).prompt == "-v"
