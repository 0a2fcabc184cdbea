from __future__ import annotations

import pytest

from claif_cla.gateway.config import (
    Config,
    ConfigError,
    check_exposure,
    check_place,
    exposure,
    keys_required,
    missing_extras,
    needs_keys,
)


def configured(host="127.0.0.1", required=None, *, insecure=False):
    return Config(server={"host": host, "insecure": insecure}, keys={"required": required})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
def test_on_loopback_no_key_is_needed_until_there_is_one(host):
    config = configured(host)
    check_exposure(config, has_keys=False)
    assert not needs_keys(config, has_keys=False)
    assert needs_keys(config, has_keys=True)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "gateway.example"])
def test_others_may_reach_it_only_when_there_are_keys(host):
    config = configured(host)
    with pytest.raises(ConfigError, match="claif-cla keys create"):
        check_exposure(config, has_keys=False)
    check_exposure(config, has_keys=True)
    assert needs_keys(config, has_keys=True)


def test_asking_nobody_for_a_key_is_refused_where_others_reach_it():
    with pytest.raises(ConfigError, match=r"keys\.required = false"):
        check_exposure(configured("0.0.0.0", required=False), has_keys=True)


def test_insecure_is_taken_at_its_word():
    config = configured("0.0.0.0", insecure=True)
    check_exposure(config, has_keys=False)
    assert not needs_keys(config, has_keys=False)
    assert needs_keys(config, has_keys=True)


def test_whether_a_key_is_needed_is_left_open_only_where_nobody_else_reaches_it():
    assert keys_required(configured()) is None
    assert keys_required(configured("0.0.0.0")) is True
    assert keys_required(configured("0.0.0.0", insecure=True)) is None


@pytest.mark.parametrize("required", [True, False])
def test_what_is_set_decides(required):
    config = configured(required=required)
    assert needs_keys(config, has_keys=not required) is required


@pytest.mark.parametrize(
    ("section", "extra"),
    [
        ({"cluster": {"redis_url": "redis://localhost"}}, "redis"),
        ({"telemetry": {"traces": True}}, "otel"),
        ({"telemetry": {"metrics": True}}, "otel"),
    ],
)
def test_a_library_that_is_asked_for_and_missing_is_named(monkeypatch, section, extra):
    monkeypatch.setattr(exposure, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=rf"pip install 'claif_cla\[{extra}\]'"):
        missing_extras(Config(**section))


def test_nothing_is_missing_that_is_not_asked_for(monkeypatch):
    monkeypatch.setattr(exposure, "find_spec", lambda name: None)
    missing_extras(Config())


def test_a_ledger_that_can_be_made_is_fine_and_not_made(tmp_path):
    check_place(Config(ledger={"file": tmp_path / "new" / "folder" / "ledger.db"}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["folder", "file/ledger.db"])
def test_a_ledger_that_has_no_place_is_told_before_anything_listens(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"ledger\.file: .* cannot be written"):
        check_place(Config(ledger={"file": tmp_path / name}))


def test_a_ledger_that_may_not_be_written_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(exposure.os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(ConfigError, match="may not be written"):
        check_place(Config(ledger={"file": tmp_path / "ledger.db"}))
