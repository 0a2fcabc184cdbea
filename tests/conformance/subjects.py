"""What can be tested: this package, other libraries, and any OpenAI-compatible server."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator
from typing import Any, Protocol

__all__ = ["AnyLLM", "Claif", "Gateway", "LiteLLM", "Subject"]

KEY = "sk-ant-conformance"
CALL_TIMEOUT = 10.0


class Subject(Protocol):
    """A thing under test.

    Attributes:
        name: for people.
        openai_errors: whether its exceptions have OpenAI's `param` and `code`.
        can: what it can do beside `create`; see `Check.needs`.
    """

    name: str
    openai_errors: bool
    can: frozenset[str]

    def create(self, **params: Any) -> Any:
        """`chat.completions.create`, or what the subject has for it."""

    def iterating(self, raw: Any) -> contextlib.AbstractContextManager[Iterator[Any]]:
        """The chunks of a streamed call; leaving the context closes the stream."""

    def close(self) -> None: ...


class Claif:
    """This package, through one of the `callers` of its tests (sync or async)."""

    openai_errors = True
    can = frozenset({"client", "exceptions", "key", "own"})

    def __init__(self, caller_type: Any, url: str, **options: Any) -> None:
        self.name = f"claif_cla {caller_type.kind}"
        openai = importlib.import_module("openai")
        clients = {"sync": openai.DefaultHttpxClient, "async": openai.DefaultAsyncHttpxClient}
        self._http_client = clients[caller_type.kind]
        self._known = {"api_key": KEY, "base_url": url, "max_retries": 0, **options}
        self._type = caller_type
        self._made: list[Any] = []
        self.caller = self.new()
        self.client = self.caller.client

    def new(self, **options: Any) -> Any:
        """One more caller, with other options; closed with the subject."""
        # Reading the certificates takes longer than a whole check, and loopback needs none.
        known = {**self._known, "http_client": self._http_client(verify=False)}
        self._made.append(self._type(**{**known, **options}))
        return self._made[-1]

    def create(self, **params: Any) -> Any:
        return self.caller.create(**params)

    @contextlib.contextmanager
    def iterating(self, raw: Any) -> Iterator[Iterator[Any]]:
        try:
            yield self.caller.iterate(raw)
        finally:
            self.caller.run(raw.close())

    def close(self) -> None:
        for caller in self._made:
            caller.close()


class Gateway:
    """A server, called with the stock openai client; its upstream must be the fake one."""

    openai_errors = True
    can = frozenset({"client", "exceptions"})

    def __init__(self, url: str, api_key: str = KEY) -> None:
        from callers import SyncCaller  # noqa: PLC0415  # only where it is used

        openai = importlib.import_module("openai")
        self.name = url
        self.client = openai.OpenAI(base_url=url, api_key=api_key, max_retries=0)
        self.caller = SyncCaller.__new__(SyncCaller)
        self.caller.client = self.client

    def create(self, **params: Any) -> Any:
        return self.client.chat.completions.create(**params)

    @contextlib.contextmanager
    def iterating(self, raw: Any) -> Iterator[Iterator[Any]]:
        with raw:
            yield iter(raw)

    def close(self) -> None:
        self.client.close()


class _Library:
    """A function that completes. Native fields go beside the others, as these libraries do it."""

    openai_errors = False
    can: frozenset[str] = frozenset({"key"})

    def _params(self, params: dict[str, Any]) -> dict[str, Any]:
        extra = params.pop("extra_body", None) or {}
        return {"timeout": CALL_TIMEOUT, **params, **extra}

    @contextlib.contextmanager
    def iterating(self, raw: Any) -> Iterator[Iterator[Any]]:
        try:
            yield iter(raw)
        finally:
            if callable(close := getattr(raw, "close", None)):
                close()

    def close(self) -> None:
        """Nothing is kept open."""


class LiteLLM(_Library):
    """`litellm.completion` on its provider `anthropic`.

    Args:
        url: the fake upstream.
        forgiving: with `drop_params` and `modify_params`, which are off by default.
    """

    name = "litellm"
    can = frozenset({"exceptions", "key"})

    def __init__(self, url: str, *, forgiving: bool = False) -> None:
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        self._litellm = importlib.import_module("litellm")
        self._litellm.suppress_debug_info = True
        self._litellm.telemetry = False
        self._url, self._forgiving = url, forgiving

    def create(self, **params: Any) -> Any:
        self._litellm.drop_params = self._litellm.modify_params = self._forgiving
        known = {"api_base": self._url, "api_key": KEY, "num_retries": 0, "max_retries": 0}
        made = self._params(params)
        return self._litellm.completion(**{**made, "model": f"anthropic/{made['model']}"}, **known)


class AnyLLM(_Library):
    """`any_llm.completion` on its provider `anthropic`."""

    name = "any-llm"

    def __init__(self, url: str) -> None:
        self._any_llm = importlib.import_module("any_llm")
        self._url = url

    def create(self, **params: Any) -> Any:
        made = {"timeout": CALL_TIMEOUT, **params}  # its `extra_body` reaches the SDK's own
        options = {"max_retries": 0, "timeout": made.pop("timeout")}
        return self._any_llm.completion(
            provider="anthropic", api_key=KEY, api_base=self._url, client_args=options, **made
        )
