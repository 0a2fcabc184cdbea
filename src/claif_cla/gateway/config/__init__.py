"""The gateway's configuration: one TOML file, the environment, the flags; checked as a whole.

| module | what it does |
|---|---|
| `sections` | the sections as frozen models: keys, types, ranges, defaults, meanings |
| `shapes` | the kinds of values: seconds, addresses, secrets, names |
| `known` | every key with its environment variable, read off the sections |
| `sources` | file, environment and flags as one table that remembers where each value is from |
| `problems` | what is wrong, in words: where, and the nearest key that there is |
| `loading` | `load`: all of it, with the accounts that the environment brings |
| `exposure` | what must hold before the gateway listens |
| `authorities` | who vouches for upstream's certificate |
| `reference` | the configuration reference, printed from the sections |
"""

from __future__ import annotations

from claif_cla.gateway.config.authorities import tls_of
from claif_cla.gateway.config.exposure import (
    check_exposure,
    check_place,
    keys_required,
    missing_extras,
    needs_keys,
)
from claif_cla.gateway.config.known import CONFIG_VARIABLE
from claif_cla.gateway.config.loading import load
from claif_cla.gateway.config.problems import ConfigError
from claif_cla.gateway.config.sections import Account, Config

__all__ = [
    "CONFIG_VARIABLE",
    "Account",
    "Config",
    "ConfigError",
    "check_exposure",
    "check_place",
    "keys_required",
    "load",
    "missing_extras",
    "needs_keys",
    "tls_of",
]
