"""The parts of a running gateway, as one request sees them from its beginning to its end.

A reload makes new ones for the requests to come; a running stream keeps those it began with.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from claif_cla.backends.base import Hop
from claif_cla.gateway.choosing import Choosing
from claif_cla.gateway.config import Config
from claif_cla.gateway.gate import Gate
from claif_cla.gateway.seen import Seen, answer_headers
from claif_cla.gateway.upstream import Upstream
from claif_cla.gateway.visit import Visit
from claif_cla.model_lessons import ModelLessons
from claif_cla.thinking_memory import ThinkingMemory
from claif_cla.translate.call import Settings
from claif_cla.wire.http import AsyncExchange, UpstreamRequest

__all__ = ["Memories", "Parts", "choosing_of", "settings_of"]

MAX_MEMORIES = 64
"""Keys whose answers are remembered; of more, those that asked last. With 4 MB each it is 256 MB
at the worst, and next to nothing for callers who send Claude's thinking back themselves."""
MEMORY_BYTES = 4 * 1024 * 1024


class Memories:
    """One memory of answers for each key: what Claude thought for one is never told to another.

    Args:
        translation: the settings of the translation, without a memory.
    """

    def __init__(self, translation: Settings) -> None:
        self._translation = translation
        self._by_key: OrderedDict[str, Settings] = OrderedDict()

    def settings(self, key_id: str) -> Settings:
        """The settings with the memory of a key, or of those who need none (an empty id)."""
        found = self._by_key.get(key_id)
        if found is None:
            memory = ThinkingMemory(max_bytes=MEMORY_BYTES)
            found = self._by_key[key_id] = replace(self._translation, memory=memory)
            if len(self._by_key) > MAX_MEMORIES:
                self._by_key.popitem(last=False)
        else:
            self._by_key.move_to_end(key_id)
        return found

    def change(self, translation: Settings) -> None:
        """Go on with other settings and the same memories."""
        self._translation = translation
        for key_id, earlier in self._by_key.items():
            self._by_key[key_id] = replace(translation, memory=earlier.memory)


@dataclass(frozen=True, slots=True)
class Parts:
    """See the module.

    Attributes:
        config: what all of them were made from.
        gate: who may in, and how much.
        upstream: who answers.
        seen: metrics, log and traces.
        choosing: which model.
        translation: the settings of the translation, without a memory.
        memories: of answers; None where none are kept.
    """

    config: Config
    gate: Gate
    upstream: Upstream
    seen: Seen
    choosing: Choosing
    translation: Settings
    memories: Memories | None

    def settings(self, visit: Visit) -> Settings:
        """The settings of the translation for one request."""
        if self.memories is None:
            return self.translation
        return self.memories.settings(visit.key.id if visit.key else "")

    def opener(self, visit: Visit) -> Callable[[UpstreamRequest], Awaitable[AsyncExchange]]:
        """Opens the upstream requests of one request."""
        hop = Hop(visit, "")
        return lambda request: self.upstream.aopen(request, hop)

    def headers(self, visit: Visit) -> list[tuple[bytes, bytes]]:
        """What an answer's headers tell of the request itself."""
        return answer_headers(visit)


def choosing_of(config: Config, *, official: bool) -> Choosing:
    """The models of a configuration."""
    models = config.models
    return Choosing(
        default=models.default,
        aliases=models.aliases,
        allow=models.allow,
        deny=models.deny,
        fallbacks=models.fallbacks,
        official=official,
    )


def settings_of(config: Config, lessons: ModelLessons, *, official: bool) -> Settings:
    """The settings of the translation of a configuration."""
    return Settings(
        compat=config.chat.compat,
        default_model=config.models.default,
        model_aliases=dict(config.models.aliases),
        prompt_caching=config.chat.prompt_caching,
        reasoning=config.chat.reasoning,
        official=official,
        lessons=lessons,
    )
