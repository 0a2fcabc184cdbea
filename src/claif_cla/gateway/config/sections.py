"""The sections of the configuration: each key's type, range, default and meaning, once.

The reference in the documentation is printed from here. Values are checked strictly (a port is no
string), unknown keys are refused, and nothing changes after it was loaded.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from typing_extensions import Self

from claif_cla.gateway.config.shapes import (
    BaseUrl,
    Count,
    Dollars,
    Endpoint,
    Host,
    HostName,
    HttpProxy,
    Name,
    Origin,
    Pattern,
    Prefix,
    Proxy,
    RedisUrl,
    Seconds,
    Secret,
)
from claif_cla.translate.receipts import Compat

__all__ = [
    "Account",
    "Chat",
    "Cluster",
    "Config",
    "Keys",
    "Ledger",
    "Limits",
    "Log",
    "Metrics",
    "Models",
    "PriceKind",
    "Section",
    "Server",
    "Telemetry",
    "Upstream",
    "state_dir",
]

PriceKind = Literal[
    "input",
    "output",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "fast_input",
    "fast_output",
    "batch_input",
    "batch_output",
    "long_input",
    "long_output",
    "long_cache_read",
    "long_cache_write_5m",
    "long_cache_write_1h",
    "long_batch_input",
    "long_batch_output",
]


def state_dir(env: Mapping[str, str]) -> Path:
    """Where keys and ledger lie unless the configuration says otherwise.

    Args:
        env: `XDG_STATE_HOME`, if absolute (the specification's word), else `HOME` is looked at.

    Raises:
        RuntimeError: there is no home directory.
    """
    state = env.get("XDG_STATE_HOME", "")
    if state and Path(state).is_absolute():
        return Path(state) / "claif-cla"
    home = Path(env["HOME"]) if env.get("HOME") else Path.home()
    return home / ".local" / "state" / "claif-cla"


class Section(BaseModel):
    """What all sections have in common. A complaint never quotes what was given."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )


class Server(Section):
    """`[server]`: the doors."""

    host: Host = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(
        default=8790, ge=0, le=65_535, description="Port to listen on; 0 for a free one."
    )
    insecure: bool = Field(
        default=False, description="Serve without keys on an address that others reach."
    )
    allowed_hosts: tuple[HostName, ...] = Field(
        default=(),
        description="Host names that are answered to. Empty: on loopback the machine's own,"
        " elsewhere any.",
    )
    cors_origins: tuple[Origin, ...] = Field(
        default=(), description="Origins whose pages may call from a browser; `*` for all."
    )
    trusted_proxies: tuple[Proxy, ...] = Field(
        default=(),
        description="Addresses of proxies whose `x-forwarded-for` tells the client's address.",
    )
    max_body_bytes: int = Field(
        default=33_554_432,
        ge=1_024,
        le=1 << 30,
        description="Longest body of a request (the API's: 32 MB).",
    )
    max_bodies_bytes: int = Field(
        default=268_435_456,
        ge=1_024,
        le=1 << 40,
        description="All bodies over 64 KB that are served at the same time; the next ones wait in"
        " the queue. In memory a body takes up to five times its length.",
    )
    max_header_bytes: int = Field(
        default=32_768, ge=1_024, le=1 << 20, description="Largest head of a request."
    )
    max_connections: int = Field(
        default=4_000, ge=1, le=1_000_000, description="Open connections; beyond them 503."
    )
    max_in_flight: int = Field(
        default=2_000, ge=1, le=1_000_000, description="Requests served at the same time."
    )
    max_queued: int = Field(
        default=1_000,
        ge=0,
        le=1_000_000,
        description="Requests that may wait for either; beyond them 503.",
    )
    queue_seconds: Seconds = Field(default=10, description="Longest wait in that queue; then 503.")
    keep_alive_seconds: Seconds = Field(
        default=75,
        description="How long an idle connection is kept. Longer than the proxy's before it.",
    )
    comment_seconds: Seconds = Field(
        default=15,
        description="After so much silence a stream gets a comment, so that nobody hangs up.",
    )
    send_seconds: Seconds = Field(
        default=60, description="A client that takes nothing for so long is cut off."
    )
    drain_seconds: float = Field(
        default=30, ge=0, le=86_400, description="How long running answers may go on after SIGTERM."
    )

    @model_validator(mode="after")
    def _any_body_fits(self) -> Self:
        if self.max_bodies_bytes < self.max_body_bytes:
            raise ValueError(
                f"max_bodies_bytes ({self.max_bodies_bytes}) must not be less than max_body_bytes"
                f" ({self.max_body_bytes}): a body of that length would never fit"
            )
        return self


class Upstream(Section):
    """`[upstream]`: who answers, and how long that may take."""

    backend: Literal["anthropic", "simulator"] = Field(
        default="anthropic", description="`simulator` is an offline stand-in that needs no account."
    )
    base_url: BaseUrl = Field(
        default="https://api.anthropic.com", description="Any server that speaks the Messages API."
    )
    connect_seconds: Seconds = Field(default=10, description="Until a connection stands.")
    first_byte_seconds: Seconds = Field(default=600, description="Until the status of an answer.")
    idle_seconds: Seconds = Field(default=300, description="Silence in the middle of an answer.")
    total_seconds: Seconds = Field(default=3_600, description="A whole request, retries included.")
    max_retries: int = Field(
        default=2, ge=0, le=10, description="Further attempts before the answer's first byte."
    )
    max_connections: int = Field(
        default=2_000, ge=1, le=1_000_000, description="Connections to upstream at the same time."
    )
    ready_seconds: Seconds = Field(default=10, description="How long an answer of `/readyz` holds.")
    proxy: HttpProxy | None = Field(
        default=None, description="HTTP proxy on the way; those of the environment do not count."
    )
    ca_file: Path | None = Field(
        default=None, description="Authorities (PEM) that are trusted beside the system's."
    )


class Account(Section):
    """`[[accounts]]`: one key for upstream. Exactly one of the four ways to give it."""

    name: Name = Field(description="For metrics and logs.")
    api_key: Secret | None = Field(default=None, description="Sent as `authorization: Bearer`.")
    api_key_file: Path | None = Field(default=None, description="A file that holds it.")
    auth_token: Secret | None = Field(default=None, description="Sent as `authorization: Bearer`.")
    auth_token_file: Path | None = Field(default=None, description="A file that holds it.")
    base_url: BaseUrl | None = Field(default=None, description="Instead of `upstream.base_url`.")
    weight: int = Field(default=1, ge=1, le=1_000, description="Its share of the requests.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = ("api_key", "api_key_file", "auth_token", "auth_token_file")
        given = [f"`{way}`" for way in ways if getattr(self, way) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"needs exactly one of {', '.join(ways)}; it has {found}")
        return self

    @property
    def header(self) -> tuple[str, str]:
        """Name and value of the header that upstream knows it by; the value is a secret.

        Both kinds of key travel as a bearer token, as Anthropic's own SDK sends them.

        Raises:
            LookupError: the file was never read; `load` does that.
        """
        secret = self.api_key or self.auth_token
        if secret is None:
            raise LookupError(f"the key of account {self.name} was not read")
        return "authorization", f"Bearer {secret.get_secret_value()}"


class Models(Section):
    """`[models]`: which names are served, and by what. Patterns are those of `fnmatch`."""

    default: Pattern | None = Field(
        default=None,
        description="For requests without a model (else `CLAIF_CLA_MODEL`, else `sonnet`).",
    )
    aliases: dict[Pattern, Pattern] = Field(default={}, description="Names of your own.")
    allow: tuple[Pattern, ...] = Field(
        default=(), description="What may be asked for. Empty: anything."
    )
    deny: tuple[Pattern, ...] = Field(default=(), description="What may not; wins over `allow`.")
    fallbacks: dict[Pattern, tuple[Pattern, ...]] = Field(
        default={}, description="Models to try in turn, where one cannot answer."
    )


class Chat(Section):
    """`[chat]`: the translation of Chat Completions."""

    compat: Compat = Field(
        default="adapt", description="What happens to what Claude cannot honour."
    )
    prompt_caching: Literal["auto", "always", "off"] = Field(
        default="auto", description="Whether prompts are cached."
    )
    reasoning: Literal["auto", "summary", "model"] = Field(
        default="auto", description="When readable thinking is asked for."
    )
    thinking_memory: bool = Field(
        default=True, description="Give Claude's thinking back to it for clients that strip it."
    )


class Keys(Section):
    """`[keys]`: who may in."""

    file: Path = Field(
        default_factory=lambda: state_dir(os.environ) / "keys.db",
        description="SQLite file of the keys' hashes.",
    )
    required: bool | None = Field(
        default=None, description="Unset: as soon as there is a key, and wherever others reach it."
    )


class Limits(Section):
    """`[limits]`: for keys that have none of their own. Unset: no limit."""

    requests_per_minute: Count | None = Field(default=None, description="Requests a minute.")
    tokens_per_minute: Count | None = Field(
        default=None, description="Tokens a minute, in and out."
    )
    concurrent: Count | None = Field(default=None, description="Requests at the same time.")
    daily_budget: Dollars | None = Field(default=None, description="US dollars a day (UTC).")
    monthly_budget: Dollars | None = Field(default=None, description="US dollars a month (UTC).")


class Ledger(Section):
    """`[ledger]`: what was used, and what it cost."""

    file: Path = Field(
        default_factory=lambda: state_dir(os.environ) / "ledger.db",
        description="SQLite file; its journal lies beside it.",
    )
    keep_days: int = Field(
        default=400,
        ge=1,
        le=36_500,
        description="Older entries are removed, when their month is over.",
    )


class Cluster(Section):
    """`[cluster]`: several gateways with the same limits."""

    redis_url: RedisUrl | None = Field(
        default=None, description="Where they count together; unset: each for itself."
    )
    prefix: Prefix = Field(default="claif", description="Of the keys in Redis.")
    when_redis_is_down: Literal["open", "closed"] = Field(
        default="closed", description="`open`: go on, each counting for itself; `closed`: 503."
    )
    timeout_seconds: float = Field(
        default=0.25, ge=0.01, le=10, description="Redis is down when it does not answer within."
    )


class Metrics(Section):
    """`[metrics]`: `GET /metrics` for Prometheus."""

    enabled: bool = Field(default=True, description="Whether there is the page.")
    public: bool = Field(
        default=False, description="Without a key of the scope `metrics` from everywhere."
    )
    per_key: bool = Field(
        default=False, description="Requests and cost by key too, for 100 keys at most; at start."
    )


class Telemetry(Section):
    """`[telemetry]`: OpenTelemetry, by the conventions for generative AI."""

    traces: bool = Field(default=False, description="Export spans.")
    metrics: bool = Field(default=False, description="Export metrics.")
    endpoint: Endpoint | None = Field(
        default=None, description="OTLP over HTTP; unset: `OTEL_EXPORTER_OTLP_*`."
    )
    content: bool = Field(default=False, description="Prompts and answers too. They are private.")
    sample: float = Field(
        default=1.0, ge=0, le=1, description="Share of the requests that is traced."
    )


class Log(Section):
    """`[log]`: one line for each request, and notes of the gateway itself."""

    access: bool = Field(default=True, description="A line for each request; no content, no key.")
    format: Literal["json", "text"] = Field(default="json", description="Of these lines.")
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Of the gateway's own notes."
    )


class Config(Section):
    """All of it.

    Attributes:
        prices: by model (patterns of `fnmatch`) and kind of token, US dollars per million; they
            replace those of the catalogue.
    """

    server: Server = Field(default_factory=Server)
    upstream: Upstream = Field(default_factory=Upstream)
    accounts: tuple[Account, ...] = Field(default=(), max_length=1_000)
    models: Models = Field(default_factory=Models)
    chat: Chat = Field(default_factory=Chat)
    keys: Keys = Field(default_factory=Keys)
    limits: Limits = Field(default_factory=Limits)
    prices: dict[Pattern, dict[PriceKind, Annotated[float, Field(ge=0, le=1_000_000)]]] = Field(
        default={}
    )
    ledger: Ledger = Field(default_factory=Ledger)
    cluster: Cluster = Field(default_factory=Cluster)
    metrics: Metrics = Field(default_factory=Metrics)
    telemetry: Telemetry = Field(default_factory=Telemetry)
    log: Log = Field(default_factory=Log)

    @field_validator("accounts")
    @classmethod
    def _names_once(cls, accounts: Any) -> Any:
        names = [account.name for account in accounts]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two have the same name: {', '.join(twice)}")
        return accounts
