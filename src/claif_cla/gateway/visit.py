"""One request to the gateway, from its first byte to its last: what the parts tell each other.

The app makes it, the doors add the key, the upstream its times, the driver what was used; the
ledger, the log, the metrics and the traces read it. It holds no content, and no secret.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claif_cla.gateway.keys.record import Key

__all__ = ["Usage", "Visit"]


@dataclass(slots=True)
class Usage:
    """What one reply from upstream has used.

    Attributes:
        model: the id of the model that answered.
        counts: Anthropic's `usage`, as far as it is known.
        complete: False for a reply that was left in the middle, whose last counts never came.
        characters: of text that it has told so far; what an incomplete one is estimated by.
    """

    model: str
    counts: Mapping[str, Any]
    complete: bool = False
    characters: int = 0


@dataclass(slots=True, eq=False)
class Visit:
    """See the module. Times ending in `_at` are of `time.perf_counter`, None where not reached.

    Attributes:
        id: of this request: `req_` and 24 characters; the answer's `x-claif-request-id`.
        method, path: as they came, without the query. The path may be anything.
        endpoint: `chat`, `messages`, `count_tokens`, `models`, `model`, `health`, `ready`,
            `metrics`, `openapi`, or `none`: a bounded set, for labels.
        client: the peer's address, as text.
        began: Unix seconds.
        key: who asks; None where no keys are needed, or none was shown.
        asked_model: the caller's own name for the model; may be anything.
        model: the id that was asked for upstream, or that answered.
        streamed: whether the answer is a stream.
        status: of the answer, 0 before there is one; `code`: of its error.
        account: the name of the upstream account that answered.
        attempts: requests sent upstream, retries and fallbacks included.
        upstream_seconds: time spent waiting for upstream up to its response's headers, in all.
        first_byte_at: when the first byte of the answer was sent.
        adapted: the value of `x-claif-adapted`.
        usages: by upstream reply: the exchange that it came through.
        untold: upstream requests that were sent, did not fail, and have told no usage yet.
        cost: millionths of a US dollar, once settled; None where the prices are unknown.
        left: whether the client went before its answer was complete.
        settled: whether limits and ledger know how it ended.
        reserved: what the limits put aside for it; theirs alone to read.
        trace: the spans, which the upstream tells of its attempts; None where nothing is traced.
    """

    id: str
    method: str = ""
    path: str = ""
    endpoint: str = "none"
    client: str = ""
    began: float = field(default_factory=time.time)
    started_at: float = field(default_factory=time.perf_counter)
    key: Key | None = None
    asked_model: str | None = None
    model: str | None = None
    streamed: bool = False
    status: int = 0
    code: str | None = None
    account: str | None = None
    attempts: int = 0
    upstream_seconds: float = 0.0
    first_byte_at: float | None = None
    ended_at: float | None = None
    adapted: str = ""
    usages: dict[Any, Usage] = field(default_factory=dict)
    untold: int = 0
    cost: int | None = None
    left: bool = False
    settled: bool = False
    reserved: Any = None
    trace: Any = None
    bytes_in: int = 0
    bytes_out: int = 0
    chunks: int = 0
