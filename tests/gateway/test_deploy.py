"""What `deploy/` hands to the gateway is what the gateway knows."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from claif_cla.gateway.config import load

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
    assert grace > config.server.drain_seconds


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("claif-cla-gateway.service", r"TimeoutStopSec=(\d+)"),
        ("compose.yaml", r"grace_period: (\d+)s"),
    ],
)
def test_there_is_time_to_drain(name, pattern):
    text = (DEPLOY / name).read_text(encoding="utf-8")
    assert int(re.search(pattern, text)[1]) > load(None, KEY).server.drain_seconds


def test_the_image_has_the_extras_and_no_root():
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert "'.[gateway,redis,otel]'" in text
    assert re.search(r"^USER 10001$", text, re.MULTILINE)
    assert text.index("USER 10001") < text.index("ENTRYPOINT")
