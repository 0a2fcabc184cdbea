"""One call as the core sees it: the caller's request, and the settings it runs under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from claif_cla.translate.chat.lessons import Lessons
    from claif_cla.translate.chat.recall import Memory
    from claif_cla.translate.receipts import Compat

__all__ = ["Call", "Settings"]


@dataclass(frozen=True)
class Settings:
    """What the caller set once, on the client or the gateway.

    Attributes:
        compat: what happens to what cannot be honoured exactly; see `receipts`.
        default_model: for requests without a model; None is the newest active Sonnet.
        model_aliases: the caller's own names for models, looked up before anything else.
        prompt_caching: `auto`, `always` or `off`.
        reasoning: `auto`, `summary` or `model`: when readable thinking is asked for.
        official: whether requests reach Anthropic's own API, where retired models are gone.
        memory: where complete answers are kept for clients that strip them; None for nowhere.
        lessons: where facts about models are kept that the API has corrected; None for nowhere.
    """

    compat: Compat = "adapt"
    default_model: str | None = None
    model_aliases: Mapping[str, str] = field(default_factory=dict)
    prompt_caching: Literal["auto", "always", "off"] = "auto"
    reasoning: Literal["auto", "summary", "model"] = "auto"
    official: bool = True
    memory: Memory | None = None
    lessons: Lessons | None = None


class Call:
    """One request in OpenAI's wire form.

    Attributes:
        method: upper-case HTTP method.
        path: below the API root and version: `/chat/completions`.
        request: the JSON body; never changed.
        headers: those of the caller that may travel upstream, lower-case names.
        query: the query string without `?`.
        settings: see `Settings`.
        now: Unix seconds; Anthropic sends no timestamp, OpenAI's `created` needs one.

    Like an `UpstreamRequest` it shows nothing of itself.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the parts of a request
        self,
        method: str,
        path: str,
        request: Any,
        settings: Settings,
        headers: Mapping[str, str] | None = None,
        query: str = "",
        now: int = 0,
    ) -> None:
        self.method = method
        self.path = path
        self.request = request
        self.settings = settings
        self.headers: Mapping[str, str] = {} if headers is None else headers
        self.query = query
        self.now = now
