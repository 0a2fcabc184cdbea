from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from claif_cla.gateway.config import Account, Config, ConfigError, load
from claif_cla.gateway.config.loading import MAX_SECRET_BYTES
from claif_cla.gateway.config.problems import MAX_PROBLEMS
from claif_cla.gateway.config.sources import MAX_FILE_BYTES

ENV = {"ANTHROPIC_API_KEY": "sk-ant-planted", "HOME": "/home/somebody"}


@pytest.fixture
def written(tmp_path):
    """Write a configuration file."""

    def write(text):
        path = tmp_path / "gateway.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems(path=None, env=None, flags=None):
    with pytest.raises(ConfigError) as caught:
        load(path, {**ENV, **(env or {})}, flags or {})
    assert "planted" not in str(caught.value)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return list(caught.value.problems)


# Without a file


def test_a_key_in_the_environment_is_enough():
    config = load(None, ENV)
    (account,) = config.accounts
    assert (account.name, account.header) == ("default", ("authorization", "Bearer sk-ant-planted"))
    assert config.upstream.base_url == "https://api.anthropic.com"
    assert (config.server.host, config.server.port) == ("127.0.0.1", 8790)


def test_a_token_in_the_environment_is_enough():
    (account,) = load(None, {"ANTHROPIC_AUTH_TOKEN": " t0 \n", "HOME": "/h"}).accounts
    assert account.header == ("authorization", "Bearer t0")


def test_the_base_url_of_the_environment_goes_with_its_key():
    env = {**ENV, "ANTHROPIC_BASE_URL": "http://127.0.0.1:1/v1/"}
    assert load(None, env).upstream.base_url == "http://127.0.0.1:1"
    env["CLAIF_CLA_GATEWAY_ACCOUNTS"] = '[{"name": "a", "api_key": "k"}]'
    assert load(None, env).upstream.base_url == "https://api.anthropic.com"


def test_the_base_url_that_is_configured_wins_over_that_of_the_environment(written):
    path = written('[upstream]\nbase_url = "http://127.0.0.1:2"')
    env = {**ENV, "ANTHROPIC_BASE_URL": "http://127.0.0.1:1"}
    assert load(path, env).upstream.base_url == "http://127.0.0.1:2"


def test_the_simulator_needs_no_account():
    assert load(None, {"HOME": "/h"}, {"upstream.backend": "simulator"}).accounts == ()


def test_without_an_account_it_is_said_what_to_do():
    with pytest.raises(ConfigError) as caught:
        load(None, {"HOME": "/h"})
    assert "set ANTHROPIC_API_KEY" in str(caught.value)
    assert "--backend simulator" in str(caught.value)


def test_variables_of_the_package_hold_where_nothing_else_speaks(written):
    env = {"HOME": "/h", "CLAIF_CLA_BACKEND": "simulator", "CLAIF_CLA_MODEL": "haiku"}
    config = load(None, env)
    assert (config.upstream.backend, config.models.default) == ("simulator", "haiku")
    path = written('[models]\ndefault = "opus"')
    assert load(path, env).models.default == "opus"


# The state directory


def test_files_lie_in_the_state_directory():
    config = load(None, ENV)
    assert str(config.keys.file) == "/home/somebody/.local/state/claif-cla/keys.db"
    config = load(None, {**ENV, "XDG_STATE_HOME": "/state"})
    assert str(config.ledger.file) == "/state/claif-cla/ledger.db"


def test_a_relative_state_home_is_ignored_as_its_specification_says():
    config = load(None, {**ENV, "XDG_STATE_HOME": "state"})
    assert str(config.ledger.file) == "/home/somebody/.local/state/claif-cla/ledger.db"


def test_without_a_home_the_files_must_be_named(monkeypatch):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(ConfigError) as caught:
        load(None, {"ANTHROPIC_API_KEY": "k", "CLAIF_CLA_GATEWAY_KEYS__FILE": "/k.db"})
    (problem,) = caught.value.problems
    assert problem.startswith("ledger.file: there is no home directory to keep it in")


# Which one wins


def test_flags_win_over_the_environment_and_that_over_the_file(written):
    path = written("[server]\nport = 1\nmax_queued = 1\nmax_in_flight = 1")
    env = {
        **ENV,
        "CLAIF_CLA_GATEWAY_SERVER__PORT": "2",
        "CLAIF_CLA_GATEWAY_SERVER__MAX_QUEUED": "2",
    }
    server = load(path, env, {"server.port": 3, "server.host": None}).server
    assert (server.port, server.max_queued, server.max_in_flight) == (3, 2, 1)


@pytest.mark.parametrize(
    ("name", "text", "section", "key", "value"),
    [
        ("SERVER__PORT", " 80 ", "server", "port", 80),
        ("SERVER__QUEUE_SECONDS", "0.5", "server", "queue_seconds", 0.5),
        ("SERVER__INSECURE", "yes", "server", "insecure", True),
        ("KEYS__REQUIRED", "FALSE", "keys", "required", False),
        ("LOG__FORMAT", "text", "log", "format", "text"),
        ("SERVER__ALLOWED_HOSTS", '["A.example"]', "server", "allowed_hosts", ("a.example",)),
        ("MODELS__ALIASES", '{"a": "b"}', "models", "aliases", {"a": "b"}),
        ("MODELS__FALLBACKS", '{"a": ["b"]}', "models", "fallbacks", {"a": ("b",)}),
        ("LIMITS__DAILY_BUDGET", "2", "limits", "daily_budget", 2.0),
        ("SERVER__PORT", "", "server", "port", 8790),
        ("SERVER__HOST", "[::1]", "server", "host", "::1"),
        (
            "SERVER__CORS_ORIGINS",
            '["*", "https://a.b:8"]',
            "server",
            "cors_origins",
            ("*", "https://a.b:8"),
        ),
        (
            "SERVER__TRUSTED_PROXIES",
            '["*", "10.0.0.0/8"]',
            "server",
            "trusted_proxies",
            ("*", "10.0.0.0/8"),
        ),
        ("KEYS__FILE", "/k.db", "keys", "file", Path("/k.db")),
    ],
)
def test_variables_are_read_by_the_type_of_their_key(name, text, section, key, value):
    config = load(None, {**ENV, f"CLAIF_CLA_GATEWAY_{name}": text})
    assert getattr(getattr(config, section), key) == value


def test_prices_and_accounts_are_variables_of_json():
    env = {
        "HOME": "/h",
        "CLAIF_CLA_GATEWAY_PRICES": '{"claude-*": {"input": 3}}',
        "CLAIF_CLA_GATEWAY_ACCOUNTS": '[{"name": "a", "auth_token": "t"}]',
    }
    config = load(None, env)
    assert config.prices == {"claude-*": {"input": 3}}
    assert config.accounts[0].header == ("authorization", "Bearer t")


def test_the_variable_of_the_file_itself_is_no_key():
    assert load(None, {**ENV, "CLAIF_CLA_GATEWAY_CONFIG": "x.toml"}) == load(None, ENV)


# Files


def test_every_section_of_a_file_is_taken(written):
    path = written(
        """
        [[accounts]]
        name = "a"
        api_key = "k"
        [chat]
        compat = "strict"
        [cluster]
        redis_url = "redis://:pass@localhost:6379/0"
        [prices."claude-x"]
        output = 1.5
        """
    )
    config = load(path, {"HOME": "/h"})
    assert config.chat.compat == "strict"
    assert config.cluster.redis_url.get_secret_value() == "redis://:pass@localhost:6379/0"
    assert config.prices["claude-x"]["output"] == 1.5


def test_paths_of_a_file_are_relative_to_it(written, tmp_path):
    (tmp_path / "one.key").write_text("\ufeffsk-from-file\n", encoding="utf-8")
    path = written(
        '[[accounts]]\nname = "a"\napi_key_file = "one.key"\n[keys]\nfile = "k.db"\n'
        '[ledger]\nfile = "/var/l.db"'
    )
    config = load(path, {"HOME": "/h"})
    assert config.accounts[0].header == ("authorization", "Bearer sk-from-file")
    assert config.keys.file == tmp_path / "k.db"
    assert str(config.ledger.file) == "/var/l.db"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "holds no key"),
        (b"two\nlines", "holds no key"),
        (b"\xff\xfe", "holds no key"),
        (b"x" * (MAX_SECRET_BYTES + 1), "more than 16 KB"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_key_file_that_holds_no_key_is_named_without_its_content(
    written, tmp_path, content, complaint
):
    if content is not None:
        (tmp_path / "one.key").write_bytes(content)
    path = written('[[accounts]]\nname = "a"\nauth_token_file = "one.key"')
    (problem,) = problems(path)
    assert problem.startswith(f"{path}: accounts[0].auth_token_file: ")
    assert complaint in problem


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a = 1\nserver = planted", "is no TOML: Invalid value (at line 2, column 10)"),
        ("a = " + "[" * 5000, "is no TOML: "),
        ("x" * (MAX_FILE_BYTES + 1), "is larger than 4 MB"),
    ],
    ids=["syntax", "depth", "size"],
)
def test_a_file_that_is_no_configuration_is_refused(written, text, complaint):
    path = written(text)
    (problem,) = problems(path)
    assert problem.startswith(f"{path}: ")
    assert complaint in problem


def test_a_file_that_is_not_there_is_named(tmp_path):
    missing = tmp_path / "none.toml"
    assert problems(missing) == [f"{missing}: cannot be read: No such file or directory"]


def test_a_file_that_is_no_text_is_refused_without_its_content(written):
    path = written("")
    path.write_bytes(b"key = '\xffplanted'")
    assert problems(path) == [f"{path}: is not UTF-8"]


# What is wrong


def test_all_problems_are_told_at_once_each_with_its_place(written):
    path = written("[server]\nprot = 1\nmax_queued = -1\n[upstream]\nbackend = 'x'")
    env = {
        "CLAIF_CLA_GATEWAY_SERVER__PROT": "1",
        "CLAIF_CLA_GATEWAY_LIMITS__CONCURRENT": "0",
        "CLAIF_CLA_GATEWAY_SERVER__MAX_IN_FLIGHT": "many",
    }
    assert sorted(problems(path, env, {"server.port": 70_000})) == sorted(
        [
            f"{path}: server.prot: unknown key; the nearest known one is `server.port`",
            f"{path}: server.max_queued: should be greater than or equal to 0",
            f"{path}: upstream.backend: should be 'anthropic' or 'simulator'",
            (
                "CLAIF_CLA_GATEWAY_SERVER__PROT: unknown variable; the nearest known one is"
                " CLAIF_CLA_GATEWAY_SERVER__PORT"
            ),
            (
                "CLAIF_CLA_GATEWAY_LIMITS__CONCURRENT: limits.concurrent: should be greater than"
                " or equal to 1"
            ),
            "CLAIF_CLA_GATEWAY_SERVER__MAX_IN_FLIGHT: should be a whole number",
            "command line: server.port: should be less than or equal to 65535",
        ]
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("port = 1", "port: unknown key; the nearest known one is `server.port`"),
        ("[severs]\nport = 1", "severs: unknown key; the nearest known one is `server`"),
        ("[server]\nredis_url = 'x'", "the nearest known one is `cluster.redis_url`"),
        ("[log]\nzzz = 1", "log.zzz: unknown key; known here: access, format, level"),
        ("[[accounts]]\nname = 'a'\napi_kye = 'x'", "known one is `accounts[0].api_key`"),
        ("[prices.x]\ninptu = 1", "prices.x.inptu: unknown kind of token; the nearest known"),
        ("[prices.x]\nzzz = 1", "prices.x.zzz: unknown kind of token; known are input, output"),
        ("[prices]\nx = 1", "prices.x: should be a table"),
        ("[models.aliases]\n'' = 'x'", "should be a name of 1 to 200 characters"),
        ("server = 1", "server: should be a table: `[server]`"),
        ("accounts = 1", "accounts: should be a list"),
        ("accounts = [1]", "accounts[0]: should be a table"),
        ("[server]\nport = '8790'", "server.port: should be an integer"),
        ("[server]\nport = 2026-11-01", "server.port: should be an integer"),
        ("[server]\nqueue_seconds = nan", "server.queue_seconds: should be a finite number"),
        (
            "[server]\nmax_body_bytes = 300_000_000",
            "server: max_bodies_bytes (268435456) must not be",
        ),
        ("[metrics]\nenabled = 1", "metrics.enabled: should be a boolean"),
        ("[models]\ndeny = 'x'", "models.deny: should be a list"),
        ("[server]\nhost = 'http://x'", "server.host: should be an address or a host name"),
        ("[server]\nallowed_hosts = ['x:80']", "without a port"),
        ("[server]\ncors_origins = ['https://x/']", "should be as browsers send it"),
        ("[server]\ntrusted_proxies = ['proxy']", "such as 10.0.0.0/8"),
        ("[upstream]\nbase_url = 'https://u:planted@x'", "holds a user or a password"),
        ("[upstream]\nbase_url = 'http://x:planted'", "should be an address such as https://api"),
        ("[upstream]\nbase_url = 'planted'", "should be an address such as https://api"),
        ("[upstream]\nbase_url = 'https://x?planted'", "without `?` and `#`"),
        ("[cluster]\nredis_url = 'http://planted'", "such as redis://localhost:6379/0"),
        ("[[accounts]]\nname = 'a'", "accounts[0]: needs exactly one of api_key, api_key_file"),
        ("[[accounts]]\nname = 'a'\napi_key = 'planted'\nauth_token = 'planted'", "it has `api_k"),
        ("[[accounts]]\nname = 'a'\napi_key = \"planted\\n2\"", "has characters that no key has"),
        ("[[accounts]]\nname = 'a'\napi_key = ' '", "accounts[0].api_key: is empty"),
        ("[[accounts]]\nname = 'a b'\napi_key = 'x'", "should be made of letters"),
        ("[[accounts]]\napi_key = 'x'", "accounts[0].name: is missing"),
        (
            "[[accounts]]\nname = 'a'\napi_key = 'x'\n[[accounts]]\nname = 'a'\napi_key = 'y'",
            "accounts: two have the same name: a",
        ),
    ],
)
def test_what_is_wrong_is_said_in_words(written, text, complaint):
    path = written(text)
    (problem,) = problems(path)
    assert problem.startswith(f"{path}: ")
    assert complaint in problem


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("ACCOUNTS", "planted", "should be a JSON list; it is no JSON"),
        ("ACCOUNTS", '{"planted": 1}', "should be a JSON list"),
        ("PRICES", "[]", "should be a JSON object"),
        ("ACCOUNTS", "[" * 100_000, "should be a JSON list; it is no JSON"),
        ("SERVER__PORT", "planted", "should be a whole number"),
        ("SERVER__PORT", "9" * 5000, "should be a whole number of at most 20 digits"),
        ("SERVER__QUEUE_SECONDS", "planted", "should be a number"),
        ("SERVER__INSECURE", "planted", "should be true or false"),
        ("SERVER", "{}", "unknown variable"),
        ("ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ", "1", "unknown variable; --print-reference has all"),
    ],
)
def test_a_variable_that_cannot_be_read_is_named_without_its_text(name, text, complaint):
    (problem,) = problems(env={f"CLAIF_CLA_GATEWAY_{name}": text})
    assert problem.startswith(f"CLAIF_CLA_GATEWAY_{name}: {complaint}")


def test_names_of_others_are_shown_in_one_short_line(written):
    (problem,) = problems(written(f'"a\\n{"b" * 500}" = 1'))
    assert "\n" not in problem
    assert "b" * 100 not in problem


def test_more_problems_than_anyone_reads_are_counted(written):
    found = problems(written("\n".join(f"zz{number} = 1" for number in range(MAX_PROBLEMS + 7))))
    assert len(found) == MAX_PROBLEMS + 1
    assert found[-1] == "and 7 more"


# What it is


def test_secrets_show_nowhere(written):
    path = written('[cluster]\nredis_url = "redis://:planted@localhost"')
    config = load(path, ENV)
    for shown in (repr(config), str(config), repr(config.accounts), config.model_dump_json()):
        assert "planted" not in shown


def test_a_complaint_of_the_models_themselves_shows_no_input():
    with pytest.raises(ValidationError) as caught:
        Config(accounts=[{"name": "a", "api_key": "plan\nted"}])
    assert "plan" not in str(caught.value)


def test_nothing_changes_after_it_was_loaded():
    config = load(None, ENV)
    with pytest.raises(ValidationError):
        config.server.port = 1
    with pytest.raises(ValidationError):
        config.server = None


def test_the_defaults_alone_are_a_configuration():
    assert Config().server.max_body_bytes == 33_554_432


def test_the_key_of_an_account_whose_file_was_never_read_is_an_error(tmp_path):
    with pytest.raises(LookupError):
        _ = Account(name="a", api_key_file=tmp_path / "k").header


def test_what_was_dumped_can_be_loaded_again():
    dumped = json.loads(Config().model_dump_json())
    assert Config.model_validate(dumped) == Config()
