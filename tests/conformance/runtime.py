"""Behaviour of the process: connections, threads, secrets in logs."""

from __future__ import annotations

import logging
import pickle
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from conformance.bench import HELLO, OLD, Bench
from conformance.registry import check
from conformance.subjects import KEY
from loopback import Ending, Gate, error_body, json_answer, message, no_answer, text_block


@check("runtime.threads_do_not_wait_for_each_other", 150)
def _(bench: Bench) -> None:
    if bench.subject.name.endswith("async"):
        return  # one event loop; its checks run one after the other
    gate = Gate()
    for _ in range(8):
        bench.replies(json_answer(message([text_block("ok")]), gate=gate))
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(bench.ask) for _ in range(8)]
        try:
            bench.server.wait_for_requests(8, timeout=5)
        finally:
            gate.open()
        assert [call.result(5).text for call in calls] == ["ok"] * 8


@check("runtime.retry_sends_the_same_bytes", 164, needs="own")
def _(bench: Bench) -> None:
    caller = bench.subject.new(max_retries=1)  # type: ignore[attr-defined]
    bench.replies(
        json_answer(error_body("overloaded_error", "no"), 529, {"retry-after-ms": "1"}),
        json_answer(message([text_block("ok")])),
    )
    caller.create(model=OLD, messages=HELLO)
    assert bench.requests[0].body == bench.requests[1].body


@check("runtime.no_key_is_needed_to_import_and_wrong_ones_are_told", 152, needs="own")
def _(bench: Bench) -> None:
    try:
        bench.subject.new(api_key=None)  # type: ignore[attr-defined]
    except Exception as error:  # noqa: BLE001  # what it says is what is judged
        assert "ANTHROPIC_API_KEY" in str(error)  # noqa: PT017
    else:
        raise AssertionError("no key, and no word about it")


@check("runtime.key_is_in_no_log", 133)
def _(bench: Bench) -> None:
    written: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(f"{record.getMessage()} {record.args}")

    root, keeper = logging.getLogger(), Kept()
    names = ("openai", "httpx", "httpx2", "httpcore", "anthropic", "claif_cla")
    levels = {name: logging.getLogger(name).level for name in names}
    root.addHandler(keeper)
    try:
        for name in names:
            logging.getLogger(name).setLevel(logging.DEBUG)
        bench.ask()
        bench.replies(json_answer(error_body("authentication_error", "no"), status=401))
        bench.fails()
    finally:
        root.removeHandler(keeper)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
    assert not [line for line in written if KEY in line]


@check("runtime.key_is_in_no_traceback", 133)
def _(bench: Bench) -> None:
    bench.replies(json_answer(error_body("authentication_error", "no"), status=401))
    error = bench.fails()
    assert KEY not in "".join(traceback.format_exception(type(error), error, error.__traceback__))


@check("runtime.key_is_in_no_repr", 133, needs="own")
def _(bench: Bench) -> None:
    assert KEY not in repr(bench.subject.caller.client)  # type: ignore[attr-defined]


@check("runtime.key_is_in_no_pickled_error", 133)
def _(bench: Bench) -> None:
    bench.replies(json_answer(error_body("authentication_error", "no"), status=401))
    error = bench.fails()
    try:
        data = pickle.dumps(error)
    except Exception:  # noqa: BLE001  # what cannot be pickled leaks nothing
        return
    assert KEY.encode() not in data


@check("runtime.abandoned_call_leaves_the_upstream", 137, needs="own")
def _(bench: Bench) -> None:
    bench.replies(no_answer(Ending.STALL))
    errors: list[Exception] = []

    def call() -> None:
        caller = bench.subject.new(timeout=0.3)  # type: ignore[attr-defined]
        try:
            caller.create(model=OLD, messages=HELLO)
        except Exception as error:  # noqa: BLE001  # it is judged below
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join(5)
    bench.server.wait_until_abandoned(timeout=1.5)
    assert errors


@check("runtime.connections_are_reused")
def _(bench: Bench) -> None:
    for _ in range(5):
        bench.ask()
    assert bench.server.open_connections <= 2


@check("runtime.a_call_adds_little_time")
def _(bench: Bench) -> None:
    bench.ask()
    before = time.perf_counter()
    for _ in range(10):
        bench.ask()
    each = (time.perf_counter() - before) / 10
    assert each < 0.5, f"{each * 1000:.0f} ms per call on loopback"


@check("runtime.many_calls_keep_no_requests", 149, needs="own")
def _(bench: Bench) -> None:
    import gc  # noqa: PLC0415

    def alive() -> int:
        gc.collect()
        return sum(str(type(one).__module__).startswith("claif_cla") for one in gc.get_objects())

    for _ in range(5):
        bench.ask()
    before: Any = alive()
    for _ in range(40):
        bench.ask()
    assert alive() <= before + 20
