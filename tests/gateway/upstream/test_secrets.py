from __future__ import annotations

import gc
import logging
import traceback

import pytest

from claif_cla.gateway.upstream.errors import UpstreamFailure
from gateway.upstream.made import CALLERS, SECRET, account, in_thread, opened, read_all, request_of
from loopback import Ending, error_body, json_answer, no_answer, raw, streamed

REFUSED = json_answer(error_body("authentication_error", "no"), 401)
FAULTS = {
    "reset": no_answer(Ending.RESET),
    "closed": no_answer(Ending.CLOSE),
    "no HTTP": raw(b"nonsense\r\n\r\n"),
    "stall": no_answer(Ending.STALL),
    "cut": streamed(b"event: message_start\n", ending=Ending.RESET),
    "silence": streamed(b"event: message_start\n", ending=Ending.STALL),
    "refused key": REFUSED,
}


def told_by(error):
    """All that an error report would print: the chain, and the variables of each frame."""
    frames = error.__traceback__.tb_next  # without the test's own, which has the server
    report = traceback.TracebackException(type(error), error, frames, capture_locals=True)
    chained = [error.__context__, error.__cause__]
    assert chained == [None, None]
    return "".join(report.format()) + repr(error) + repr(vars(error))


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_failure_and_no_log_tells_a_key(new_upstream, server, caplog, fault):
    caplog.set_level(logging.DEBUG)
    server.answer_with(lambda request: FAULTS[fault])
    upstream = new_upstream(first_byte_seconds=0.1, idle_seconds=0.05)
    request = request_of(b'"prompt-PRIVATE"', authorization=f"Bearer {CALLERS}")
    told = ""
    try:
        exchange = await opened(upstream, request)
        told += repr(exchange)
        await read_all(exchange)
    except UpstreamFailure as failure:
        told += told_by(failure)
    told += caplog.text + repr(upstream) + repr(vars(upstream))
    for secret in (SECRET, CALLERS, "prompt-PRIVATE"):
        assert secret not in told
    await in_thread(server.wait_until_closed)


async def test_a_refused_connection_tells_no_key(new_upstream, refused_url):
    with pytest.raises(UpstreamFailure) as raised:
        await opened(new_upstream(refused_url))
    told = told_by(raised.value)
    assert SECRET not in told
    assert refused_url.rpartition(":")[2] not in str(raised.value)


async def test_a_failure_keeps_no_request_alive(new_upstream, refused_url):
    body = b"kept" * 1000
    with pytest.raises(UpstreamFailure) as raised:
        await opened(new_upstream(refused_url, max_retries=0), request_of(body))
    raised.value.__traceback__ = None
    gc.collect()
    assert not [one for one in gc.get_referrers(body) if isinstance(one, UpstreamFailure)]


async def test_the_callers_message_names_no_account(new_upstream, refused_url):
    with pytest.raises(UpstreamFailure) as raised:
        await opened(new_upstream(refused_url, accounts=[account("team-finance")]))
    assert "team-finance" not in raised.value.message
    assert raised.value.account == "team-finance"
