"""All keys in memory, and the verdict on each request."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

from claif_cla.gateway.denial import Denial, no_key
from claif_cla.gateway.keys.record import Key
from claif_cla.gateway.keys.store import KeyStore, KeyStoreError, digest_of

__all__ = ["KeyRing"]

_LOG = logging.getLogger("claif_cla.gateway")

LOOK_SECONDS = 1.0
"""How old what is known of the keys may be: so soon is a key refused that was revoked elsewhere."""
COMPLAIN_SECONDS = 60.0
"""Between two complaints about a file that cannot be read, while what is revoked still opens."""
MAX_CREDENTIAL = 512
"""Characters; a longer one is none of ours, and is not hashed."""


class _Held(NamedTuple):
    digest: bytes
    key: Key
    until: float | None


class KeyRing:
    """The keys of a store.

    Args:
        store: where they lie.
        required: whether every request needs one; None: as soon as there is one, and from then on:
            what became of the file must not open the doors. One that cannot be read may hold keys.
        clock: seconds that only grow; for tests.

    Raises:
        KeyStoreError: the store cannot be read at the beginning. Later on the ring goes on with
            what it knows, for as long as it takes: a broken file must not lock everyone out. The
            log says so each minute, and `unread_seconds` for how long.
    """

    def __init__(
        self,
        store: KeyStore,
        *,
        required: bool | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._store, self._required, self._clock = store, required, clock
        self._by_digest: dict[bytes, _Held] = {}
        self._version: tuple[int, ...] | None = None
        self._had_keys = self._unread = False
        self._failing_since: float | None = None
        self._complained = 0.0
        self._looked = clock()
        self._read()

    @property
    def required(self) -> bool:
        """Whether a request without a key is refused."""
        return self._had_keys or self._unread if self._required is None else self._required

    @property
    def unread_seconds(self) -> float:
        """For how long the store could not be read; 0.0 where it could at the last look."""
        since = self._failing_since
        return 0.0 if since is None else self._clock() - since

    def require(self, required: bool | None) -> None:  # noqa: FBT001 - see the constructor
        """Change whether every request needs a key."""
        self._required = required

    def close(self) -> None:
        """Let go of the store; keys that are known open as before."""
        self._store.close()

    def admit(self, credential: str | None, endpoint: str, now: float) -> Key | None:
        """The key that was shown; None where none is needed, and none was shown or there are none.

        Args:
            credential: as the caller gave it.
            endpoint: as in `Visit.endpoint`.
            now: Unix seconds.

        Raises:
            Denial: 401 for no valid key, 403 for an endpoint that it is not for.
        """
        if self._clock() - self._looked >= LOOK_SECONDS:
            self._look()
        if credential is None and self.required:
            raise _unknown("No key was given", shown=False)
        # Clients must be given some key; where there are no keys, and none is needed, any will do.
        if credential is None or not (self._by_digest or self.required):
            return None
        key = self._found(credential, now)
        if not _is_for(key, endpoint):
            message = f"The key {key.id} is not for this endpoint ({endpoint})."
            raise Denial(403, message, code="endpoint_not_allowed", kind="permission_error")
        return key

    def _found(self, credential: str, now: float) -> Key:
        if len(credential) > MAX_CREDENTIAL:
            raise _unknown("The key is not valid")
        digest = digest_of(credential)
        held = self._by_digest.get(digest)
        # The look-up is by hash, of which a caller can choose no prefix; the comparison that
        # decides takes the same time for all.
        if held is None or not hmac.compare_digest(held.digest, digest):
            raise _unknown("The key is not valid")
        if held.key.revoked is not None or (held.until is not None and now >= held.until):
            raise _unknown("The key is not valid")
        if not held.key.is_valid(now):
            raise _unknown("The key has expired")
        return held.key

    def _look(self) -> None:
        self._looked = self._clock()
        try:
            version = self._store.version()
            if version is None and self._version is not None:
                self._failed(f"the keys in {self._store.path} have gone")
                return
            if version != self._version:
                self._read()
        except KeyStoreError as error:
            self._unread = True
            self._failed(str(error))
        else:
            self._failing_since, self._unread = None, False

    def _failed(self, what: str) -> None:
        """Log it, once a minute for as long as it lasts."""
        now = self._clock()
        if self._failing_since is None:
            self._failing_since = now
        elif now - self._complained < COMPLAIN_SECONDS:
            return
        self._complained = now
        _LOG.error(
            "%s; going on with the keys as they were: what is revoked meanwhile still opens", what
        )

    def _read(self) -> None:
        version = self._store.version()
        self._by_digest = {
            digest: _Held(digest, key, until)
            for key, digests in self._store.read()
            for digest, until in digests.items()
        }
        self._had_keys = self._had_keys or bool(self._by_digest)
        self._version = version


def _is_for(key: Key, endpoint: str) -> bool:
    endpoints = key.scopes.endpoints
    if endpoint == "metrics":
        return "metrics" in endpoints
    if endpoint == "model":
        endpoint = "models"
    return not endpoints or endpoint in endpoints or endpoint in ("openapi", "none")


def _unknown(what: str, *, shown: bool = True) -> Denial:
    message = f"{what}. Send one that `claif-cla keys create` has made, as a bearer token."
    return no_key(message, shown=shown)
