from __future__ import annotations

import ssl

import pytest

from claif_cla.gateway.config import Config, ConfigError, tls_of


def configured(ca_file):
    return Config(upstream={"ca_file": ca_file})


def test_without_a_file_the_system_is_asked():
    assert tls_of(Config()) is None


def test_a_file_that_holds_no_certificate_is_named(tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match=r"upstream\.ca_file: \S+ca\.pem holds no certificates"):
        tls_of(configured(tmp_path / "ca.pem"))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"ca\.pem cannot be read: No such file"):
        tls_of(configured(tmp_path / "ca.pem"))


def test_the_system_s_authorities_stay_beside_the_operator_s_own(certificate):
    system = ssl.create_default_context().cert_store_stats()["x509_ca"]
    trusted = tls_of(configured(certificate[0])).cert_store_stats()
    assert trusted["x509_ca"] >= system
    assert trusted["x509"] > ssl.create_default_context().cert_store_stats()["x509"]
