"""What `deploy/` hands to the gateway is what the gateway knows."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from claif_cla.gateway.config import load
from claif_cla.gateway.serve import CUT_SECONDS

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
KEY = {"ANTHROPIC_API_KEY": "sk-ant-x"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_variables_are_known(path):
    text = path.read_text(encoding="utf-8")
    told = re.findall(r"(CLAIF_CLA_GATEWAY_\w+?)(?:=|: )\"?([\w.:/-]+)", text)
    assert load(None, {**KEY, **dict(told)}).accounts


def test_the_manifests_configuration_is_valid(tmp_path):
    manifest = (DEPLOY / "kubernetes" / "gateway.yaml").read_text(encoding="utf-8")
    block = re.search(r"gateway\.toml: \|\n((?:    .*\n|\n)+)", manifest)
    file = tmp_path / "gateway.toml"
    file.write_text(textwrap.dedent(block[1]), encoding="utf-8")
    config = load(file, KEY)
    assert config.keys.required
    assert config.server.host == "0.0.0.0"
    grace = int(re.search(r"terminationGracePeriodSeconds: (\d+)", manifest)[1])
    waits = int(re.search(r'command: \[sleep, "(\d+)"\]', manifest)[1])
    assert grace >= waits + config.server.drain_seconds + 2 * CUT_SECONDS


def test_the_manifests_keys_lie_where_the_gateway_looks_and_may_write():
    """A journal of an older file beside a copy of the new one would be taken for its own."""
    manifest = (DEPLOY / "kubernetes" / "gateway.yaml").read_text(encoding="utf-8")
    file = Path(re.search(r'file = "(.*/keys\.db)"', manifest)[1])
    assert f"/keys/keys.db, {file}]" in manifest
    assert manifest.count(f"{{name: keys, mountPath: {file.parent}}}") == 2
    assert "{name: keys, emptyDir: {}}" in manifest


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("claif-cla-gateway.service", r"TimeoutStopSec=(\d+)"),
        ("compose.yaml", r"grace_period: (\d+)s"),
    ],
)
def test_there_is_time_to_drain(name, pattern):
    text = (DEPLOY / name).read_text(encoding="utf-8")
    told = [int(seconds) for seconds in re.findall(pattern, text)]
    assert told
    assert min(told) > load(None, KEY).server.drain_seconds


def test_the_proxy_has_time_to_pass_on_what_the_gateway_drains():
    """Compose stops the proxy first, and kills it after ten seconds unless told otherwise."""
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    services = r"\n  gateway:\n(.*)\n  redis:.*\n  proxy:\n(.*)\nvolumes:"
    gateway, proxy = re.search(services, text, re.DOTALL).groups()
    grace = r"stop_grace_period: (\d+)s"
    assert int(re.search(grace, proxy)[1]) >= int(re.search(grace, gateway)[1])


def test_the_proxy_leaves_an_idle_connection_before_the_gateway_closes_it():
    """Else a request runs into the close, and nobody may send it again unasked."""
    text = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    seconds = int(re.search(r"\bkeepalive (\d+)s", text)[1])
    assert seconds < load(None, KEY).server.keep_alive_seconds


def test_keys_are_made_by_the_user_and_in_the_place_of_the_unit():
    """What root makes in its state directory, the gateway cannot read."""
    text = (DEPLOY / "claif-cla-gateway.service").read_text(encoding="utf-8")
    told = r"runuser -u (\S+) -- env (\S+) (\S+) keys create"
    user, state, command = re.search(told, text).groups()
    for setting in (f"User={user}", f"Environment={state}", f"ExecStart={command} serve"):
        assert re.search(rf"^{re.escape(setting)}\b", text, re.MULTILINE)


def test_the_image_has_the_extras_and_no_root():
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert "'.[gateway,redis,otel]'" in text
    assert re.search(r"^USER 10001$", text, re.MULTILINE)
    assert text.index("USER 10001") < text.index("ENTRYPOINT")
