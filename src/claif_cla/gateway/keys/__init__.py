"""The keys of the gateway's clients: what they are, where they lie, and who may in.

| module | what it does |
|---|---|
| `record` | a key, its scopes and limits: values |
| `rows` | keys as rows of its tables, and back |
| `database` | the SQLite file: found, opened, checked |
| `store` | create, list, revoke, rotate |
| `ring` | all keys in memory, and the verdict for each request |
"""

from __future__ import annotations

from claif_cla.gateway.keys.record import Key, KeyLimits, Scopes
from claif_cla.gateway.keys.ring import KeyRing
from claif_cla.gateway.keys.store import KeyStore, KeyStoreError

__all__ = ["Key", "KeyLimits", "KeyRing", "KeyStore", "KeyStoreError", "Scopes"]
