"""The published contract, over HTTP: the stock openai client before the real gateway."""

from __future__ import annotations

import socket

import pytest

from conformance import all_checks
from conformance.__main__ import _FixedPort
from conformance.board import judge
from conformance.subjects import Gateway

NOT_A_GATEWAYS = {
    "runtime.key_is_in_no_pickled_error": "the stock client pickles the key of the gateway",
    "wire.own_headers_pass": "of the caller's headers a gateway passes on Anthropic's alone",
}
CHECKS = [check for check in all_checks() if check.name not in NOT_A_GATEWAYS]
GROUPS = sorted({check.name.partition(".")[0] for check in CHECKS})


@pytest.mark.parametrize("group", GROUPS)
def test_every_check_of_the_contract_holds_over_http(start, monkeypatch, group):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setattr(_FixedPort, "wanted", port)
    gateway = start({"upstream.max_retries": 0}, only=f"http://127.0.0.1:{port}")
    checks = [check for check in CHECKS if check.name.partition(".")[0] == group]
    outcomes = judge(checks, [lambda _: Gateway(f"{gateway.url}/v1")], _FixedPort)
    assert {one.check.name: one.reason for one in outcomes if not one.passed} == {}


def test_what_is_left_out_is_a_check():
    assert set(NOT_A_GATEWAYS) <= {check.name for check in all_checks()}
