from __future__ import annotations

import json
import re
import sqlite3
import stat
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest

from claif_cla.cli.parser_keys import ENDPOINTS
from claif_cla.gateway.keys import KeyRing, KeyStore
from claif_cla.gateway.keys.record import SCOPED

SECRET = re.compile(r"claif-[A-Za-z0-9_-]{43}")


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "own" / "keys.db"


@pytest.fixture
def keys(cli, file):
    """`keys("create", …)` on a file of this test."""

    def run(action, *arguments):
        return cli("keys", action, "--file", str(file), *arguments)

    return run


@pytest.fixture
def facts(keys):
    """What `--json` tells of a command that works."""

    def run(*arguments):
        outcome = keys(*arguments, "--json")
        assert outcome.code == 0, outcome.err
        return json.loads(outcome.out)

    return run


# create


def test_create_tells_the_secret_alone_on_stdout(keys, file, one_line):
    outcome = keys("create", "--name", "alice")
    assert outcome.code == 0
    secret = one_line(outcome.out)
    assert SECRET.fullmatch(secret)
    assert secret not in outcome.err
    assert "shown this once" in outcome.err
    with closing(KeyStore(file)) as store:
        key = KeyRing(store).admit(secret, "chat", 0.0)
    assert key is not None
    assert (key.name, key.expires) == ("alice", None)
    assert key.id in outcome.err


def test_only_the_first_key_is_announced_as_what_closes_the_doors(keys):
    assert "the first key" in keys("create", "--name", "one").err
    assert "the first key" not in keys("create", "--name", "two").err


def test_create_takes_scopes_limits_and_an_end(facts):
    made = facts(
        *("create", "--name", "ci", "--model", "claude-haiku-*", "--model", "fast"),
        *("--endpoint", "chat", "--endpoint", "models"),
        *("--requests-per-minute", "60", "--tokens-per-minute", "10000", "--concurrent", "3"),
        *("--daily-budget", "0.50", "--monthly-budget", "12", "--expires", "30d"),
    )
    assert SECRET.fullmatch(made.pop("secret"))
    created = datetime.fromisoformat(made.pop("created"))
    expires = datetime.fromisoformat(made.pop("expires"))
    assert timedelta(days=29, hours=23) < expires - created < timedelta(days=30, hours=1)
    assert made.pop("id").startswith("key_")
    assert made.pop("hint").startswith("claif-")
    assert made == {
        "name": "ci",
        "state": "valid",
        "revoked": None,
        "models": ["claude-haiku-*", "fast"],
        "endpoints": ["chat", "models"],
        "requests_per_minute": 60,
        "tokens_per_minute": 10_000,
        "concurrent": 3,
        "daily_budget": 0.5,
        "monthly_budget": 12.0,
    }


def test_money_is_kept_in_whole_millionths(keys, file):
    keys("create", "--name", "a", "--daily-budget", "0.000001", "--monthly-budget", "0.29")
    with closing(KeyStore(file)) as store:
        (key,) = store.list()
    assert (key.limits.daily_budget, key.limits.monthly_budget) == (1, 290_000)


def test_a_day_ends_a_key_at_its_beginning_by_utc(facts):
    day = (datetime.now(timezone.utc) + timedelta(days=40)).date()
    made = facts("create", "--name", "a", "--expires", day.isoformat())
    assert made["expires"] == f"{day}T00:00:00+00:00"


@pytest.mark.parametrize(
    ("option", "value", "what"),
    [
        ("--name", " ", "is no name"),
        ("--name", "a\nb", "is no name"),
        ("--name", "\x1b[31mred", "is no name"),
        ("--name", "x" * 201, "is no name"),
        ("--model", "", "is no name"),
        ("--endpoint", "everything", "invalid choice"),
        ("--requests-per-minute", "0", "at least 1"),
        ("--tokens-per-minute", "-1", "at least 1"),
        ("--tokens-per-minute", "1e3", "whole number"),
        ("--concurrent", "٣", "whole number"),
        ("--concurrent", "1" * 5000, "whole number"),
        ("--daily-budget", "nan", "no amount"),
        ("--daily-budget", "inf", "no amount"),
        ("--daily-budget=-1", None, "no amount"),
        ("--monthly-budget", "5 USD", "no amount"),
        ("--expires", "soon", "neither a span"),
        ("--expires", "0d", "neither a span"),
        ("--expires", "2026-02-30", "neither a span"),
        ("--expires", "2020-01-01", "has passed"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_makes_nothing(keys, file, option, value, what):
    arguments = [option] if value is None else [option, value]
    outcome = keys("create", "--name", "alice", *arguments)
    assert outcome.code == 2
    assert what in outcome.err
    assert outcome.out == ""
    assert not file.parent.exists()


def test_a_key_needs_a_name(keys):
    outcome = keys("create")
    assert outcome.code == 2
    assert "--name" in outcome.err


def test_the_endpoints_are_those_that_a_key_can_be_for():
    # The parser has its own list, so that `--help` loads nothing of the gateway.
    assert ENDPOINTS == SCOPED


# list, show


def test_no_keys_are_a_note_and_an_empty_list(keys, facts, file):
    outcome = keys("list")
    assert (outcome.code, outcome.out) == (0, "")
    assert "no keys" in outcome.err
    assert facts("list") == []
    assert not file.parent.exists()


def test_list_has_a_line_for_each_valid_key_and_no_secret(keys):
    secrets = [keys("create", "--name", name).out.strip() for name in ("alice", "bob", "carol")]
    keys("revoke", "bob")
    outcome = keys("list")
    head, *lines = outcome.out.splitlines()
    assert head.split() == ["ID", "NAME", "SECRET", "STATE", "FOR", "LIMITS"]
    assert [line.split()[1] for line in lines] == ["alice", "carol"]
    assert [line.split()[1] for line in keys("list", "--all").out.splitlines()[1:]] == [
        "alice",
        "bob",
        "carol",
    ]
    assert not any(secret in outcome.out for secret in secrets)


def test_list_tells_scopes_and_limits(keys):
    keys(
        *("create", "--name", "a", "--model", "claude-*", "--endpoint", "chat"),
        *("--requests-per-minute", "1000", "--daily-budget", "2.50", "--monthly-budget", "40"),
    )
    line = keys("list").out.splitlines()[1]
    assert "claude-*, chat" in line
    assert line.endswith("1,000 requests/min, $2.5/day, $40/month")


def test_an_expired_key_is_listed_as_that(keys, file, facts):
    with closing(KeyStore(file)) as store:
        store.create("old", expires=1.0)
    assert facts("list") == []
    assert [key["state"] for key in facts("list", "--all")] == ["expired"]


def test_show_tells_what_is_known_and_no_secret(keys, facts):
    secret = keys("create", "--name", "alice", "--concurrent", "3").out.strip()
    outcome = keys("show", "alice")
    assert "name: alice\n" in outcome.out
    assert "concurrent: 3\n" in outcome.out
    assert "state: valid\n" in outcome.out
    assert "models" not in outcome.out
    shown = facts("show", "alice")
    assert facts("show", shown["id"]) == shown
    assert secret not in outcome.out + json.dumps(shown)


# revoke, rotate


def test_a_revoked_key_opens_nothing_and_stays_known(keys, facts, file):
    secret = keys("create", "--name", "alice").out.strip()
    key_id = facts("show", "alice")["id"]
    assert keys("revoke", "alice").out == f"{key_id} (alice) is revoked\n"
    assert facts("show", key_id)["state"] == "revoked"
    assert facts("revoke", key_id)["revoked"] is not None
    with closing(KeyStore(file)) as store:
        ((_, digests),) = store.read()
        assert len(digests) == 1
    rotated = keys("rotate", key_id)
    assert (rotated.code, rotated.out) == (1, "")
    assert "revoked" in rotated.err
    assert secret not in rotated.err


def test_rotate_tells_a_new_secret_and_what_becomes_of_the_earlier(keys, facts, one_line):
    first = keys("create", "--name", "alice").out.strip()
    outcome = keys("rotate", "alice")
    second = one_line(outcome.out)
    assert SECRET.fullmatch(second)
    assert second != first
    assert "the earlier secret no longer holds" in outcome.err
    assert second.startswith(facts("show", "alice")["hint"])
    graceful = keys("rotate", "alice", "--grace", "1h")
    assert "3600 seconds more" in graceful.err
    assert SECRET.fullmatch(facts("rotate", "alice")["secret"])


@pytest.mark.parametrize("action", ["show", "revoke", "rotate"])
def test_a_key_that_is_not_there_is_told_by_what_was_given(keys, file, action):
    outcome = keys(action, "nobody")
    assert (outcome.code, outcome.out) == (1, "")
    assert "`nobody`: there is no such key; see `claif-cla keys list`" in outcome.err
    assert not file.exists()


def test_a_name_of_several_keys_is_not_guessed_at(keys):
    for _ in range(2):
        keys("create", "--name", "twin")
    outcome = keys("revoke", "twin")
    assert outcome.code == 1
    assert "give the id" in outcome.err
    assert keys("list").out.count("valid") == 2


@pytest.mark.parametrize("action", ["show", "revoke", "rotate"])
def test_a_secret_in_the_place_of_a_name_is_not_repeated(keys, action):
    secret = keys("create", "--name", "alice").out.strip()
    outcome = keys(action, secret)
    assert outcome.code == 1
    assert "that is a secret" in outcome.err
    assert secret not in outcome.out + outcome.err


# Where they lie


def test_keys_lie_where_the_configuration_says(cli, tmp_path):
    config = tmp_path / "gateway.toml"
    config.write_text(f'[keys]\nfile = "{tmp_path}/elsewhere/clients.db"\n')
    assert cli("keys", "create", "--config", str(config), "--name", "alice").code == 0
    assert (tmp_path / "elsewhere" / "clients.db").exists()
    assert "alice" in cli("keys", "list", "--config", str(config)).out
    assert not (tmp_path / "state").exists()


def test_keys_lie_in_the_state_directory_unless_told(cli, tmp_path):
    assert cli("keys", "create", "--name", "alice").code == 0
    path = tmp_path / "state" / "claif-cla" / "keys.db"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # One file, to be copied or mounted as it is.
    assert [found.name for found in path.parent.iterdir()] == ["keys.db"]


def test_a_file_and_a_configuration_are_not_both_told(cli, tmp_path):
    outcome = cli("keys", "list", "--file", "a", "--config", "b")
    assert outcome.code == 2
    assert "not allowed with" in outcome.err


def test_a_wrong_configuration_is_wrong_usage(cli, tmp_path):
    config = tmp_path / "gateway.toml"
    config.write_text('[keys]\nfil = "x"\n[limits]\nconcurrent = "many"\n')
    outcome = cli("keys", "list", "--config", str(config))
    assert outcome.code == 2
    assert "fil" in outcome.err
    assert "concurrent" in outcome.err


@pytest.mark.parametrize("action", ["list", "create"])
def test_a_file_of_something_else_is_told_and_left(keys, file, action):
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("CREATE TABLE t (x)")
    before = file.read_bytes()
    outcome = keys(action, *(("--name", "alice") if action == "create" else ()))
    assert (outcome.code, outcome.out) == (1, "")
    assert "keys.db is a database of something else" in outcome.err
    assert file.read_bytes() == before


def test_a_running_ring_takes_up_what_the_command_does(finished, file):
    made = finished("keys", "create", "--file", str(file), "--name", "alice")
    secret = made.out.strip()
    clock = iter(range(100))
    with closing(KeyStore(file)) as store:
        ring = KeyRing(store, clock=lambda: float(next(clock)))
        assert ring.admit(secret, "chat", 0.0).name == "alice"
        assert finished("keys", "revoke", "--file", str(file), "alice").code == 0
        with pytest.raises(Exception, match="not valid"):
            ring.admit(secret, "chat", 0.0)
