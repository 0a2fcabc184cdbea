"""Which models a call may go to, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

from claif_cla.catalog.names import Resolution, resolve
from claif_cla.errors import Refusal
from claif_cla.gateway.denial import Denial

__all__ = ["Choice", "Choosing"]


class Choice(NamedTuple):
    """What one name means here.

    Attributes:
        model: the id that is asked for upstream.
        then: the names to try in turn where it cannot answer.
    """

    model: str
    then: tuple[str, ...]


class Choosing:
    """The configured names of models.

    Args:
        default: for calls without a model; None is the newest active Sonnet.
        aliases: names of the operator's own.
        allow: patterns (`claude-sonnet-*`) of what may be asked for; empty: anything.
        deny: patterns of what may not; they win.
        fallbacks: by name or id, what answers in its place.
        official: whether requests reach Anthropic's own API.
    """

    def __init__(  # noqa: PLR0913 - one section of the configuration
        self,
        *,
        default: str | None = None,
        aliases: Mapping[str, str] | None = None,
        allow: Sequence[str] = (),
        deny: Sequence[str] = (),
        fallbacks: Mapping[str, Sequence[str]] | None = None,
        official: bool = True,
    ) -> None:
        self.default, self.aliases = default, dict(aliases or {})
        self._allow, self._deny = tuple(allow), tuple(deny)
        self._fallbacks = {name: tuple(names) for name, names in (fallbacks or {}).items()}
        self._official = official
        # Callers may ask for anything: the bound keeps their inventions from piling up.
        self._chosen = lru_cache(maxsize=512)(self._choose)

    def choice(self, name: object) -> Choice:
        """What a request's `model` means.

        Raises:
            Refusal: it is no name of a model.
            Denial: 403, it is not allowed here.
        """
        if name is not None and not isinstance(name, str):
            resolve(name, official=self._official)  # says what is wrong with it
        return self._chosen(name)

    def allows(self, model: str) -> bool:
        """Whether a model may be asked for."""
        if any(fnmatchcase(model, pattern) for pattern in self._deny):
            return False
        return not self._allow or any(fnmatchcase(model, pattern) for pattern in self._allow)

    def named(self) -> Mapping[str, str]:
        """The operator's own names that are served, with the models that they mean."""
        names = filter(self._not_denied, filter(self._is_served, self.aliases))
        return {name: self._resolved(name).model_id for name in names}

    def _choose(self, name: str | None) -> Choice:
        model = self._resolved(name).model_id
        if not (self.allows(model) and (name is None or self._not_denied(name))):
            message = f"The model `{name or model}` is not served by this gateway."
            raise Denial(
                403, message, code="model_not_allowed", kind="permission_error", param="model"
            )
        named = self._fallbacks.get(name or "", self._fallbacks.get(model, ()))
        return Choice(model, tuple(other for other in named if self._is_served(other)))

    def _resolved(self, name: str | None) -> Resolution:
        return resolve(name, aliases=self.aliases, default=self.default, official=self._official)

    def _not_denied(self, name: str) -> bool:
        # An alias may lead to what is allowed; a denied name stays denied.
        return not any(fnmatchcase(name, pattern) for pattern in self._deny)

    def _is_served(self, name: str) -> bool:
        try:
            return self.allows(self._resolved(name).model_id)
        except Refusal:
            return False
