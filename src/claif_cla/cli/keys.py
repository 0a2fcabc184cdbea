"""`claif-cla keys`: the keys of the gateway's clients."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from datetime import datetime, timezone
from time import time
from typing import TYPE_CHECKING, Any

from claif_cla.cli.configured import file_of
from claif_cla.cli.console import CommandError, Console

if TYPE_CHECKING:
    from claif_cla.gateway.keys import Key, KeyStore

__all__ = ["run"]

_SHORT = (
    ("requests_per_minute", "{:,} requests/min"),
    ("tokens_per_minute", "{:,} tokens/min"),
    ("concurrent", "{:,} at once"),
)


def run(args: Namespace, console: Console) -> int:
    """Do one thing with the keys.

    Raises:
        UsageError: the configuration is wrong; all but the last problem were told before.
        CommandError: there is no such key, or the file cannot be used.
    """
    try:
        from claif_cla.gateway.keys import KeyStore, KeyStoreError  # noqa: PLC0415 - not for `--help`
    except ModuleNotFoundError as error:  # a Python without SQLite
        raise CommandError(f"keys need {error.name}, which is not there") from error
    store = KeyStore(file_of(args, console, lambda config: config.keys.file))
    try:
        _ACTIONS[args.action](args, console, store)
    except KeyStoreError as error:
        raise CommandError(str(error)) from error
    except KeyError as error:
        raise CommandError(f"{error.args[0]}; see `claif-cla keys list`") from error
    finally:
        store.close()
    return 0


def _create(args: Namespace, console: Console, store: KeyStore) -> None:
    from claif_cla.gateway.keys import KeyLimits, Scopes  # noqa: PLC0415

    limits = KeyLimits(
        args.requests_per_minute,
        args.tokens_per_minute,
        args.concurrent,
        args.daily_budget,
        args.monthly_budget,
    )
    scopes = Scopes(tuple(args.model), tuple(args.endpoint))
    first = not store.list()
    key, secret = store.create(args.name, scopes=scopes, limits=limits, expires=args.expires)
    _tell_secret(args, console, key, secret)
    if first:
        console.note("the first key: from now on every request to this gateway needs one")


def _rotate(args: Namespace, console: Console, store: KeyStore) -> None:
    key = store.find(args.key)
    secret = store.rotate(key.id, grace=args.grace)
    _tell_secret(args, console, store.find(key.id), secret)
    until = f"holds for {args.grace:g} seconds more" if args.grace else "no longer holds"
    console.note(f"the earlier secret {until}")


def _tell_secret(args: Namespace, console: Console, key: Key, secret: str) -> None:
    if args.json:
        console.json({**_facts(key), "secret": secret})
    else:
        console.line(secret)
    console.note(f"{key.id} ({key.name}): its secret is shown this once")


def _revoke(args: Namespace, console: Console, store: KeyStore) -> None:
    key = store.find(args.key)
    store.revoke(key.id)
    if args.json:
        console.json(_facts(store.find(key.id)))
    else:
        console.line(f"{key.id} ({key.name}) is revoked")


def _show(args: Namespace, console: Console, store: KeyStore) -> None:
    facts = _facts(store.find(args.key))
    if args.json:
        console.json(facts)
        return
    for name, value in facts.items():
        if value not in (None, []):
            console.line(f"{name}: {', '.join(value) if isinstance(value, list) else value}")


def _list(args: Namespace, console: Console, store: KeyStore) -> None:
    now = time()
    keys = [key for key in store.list() if args.all or key.is_valid(now)]
    if args.json:
        console.json([_facts(key) for key in keys])
        return
    if not keys:
        console.note("no keys")
        return
    rows = [("ID", "NAME", "SECRET", "STATE", "FOR", "LIMITS")]
    rows += [(k.id, k.name, f"{k.hint}…", _state(k, now), _scope(k), _limits(k)) for k in keys]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]) - 1)]
    for row in rows:
        padded = [text.ljust(width) for text, width in zip(row, widths, strict=False)]
        console.line("  ".join([*padded, row[-1]]).rstrip())


_ACTIONS = {
    "create": _create,
    "list": _list,
    "show": _show,
    "revoke": _revoke,
    "rotate": _rotate,
}


def _facts(key: Key) -> dict[str, Any]:
    """All of a key but its secret; times by ISO, money in US dollars."""
    limits = asdict(key.limits)
    for name in ("daily_budget", "monthly_budget"):
        value = limits[name]
        limits[name] = None if value is None else value / 1_000_000
    return {
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "state": _state(key, time()),
        "created": _instant(key.created),
        "expires": _instant(key.expires),
        "revoked": _instant(key.revoked),
        "models": list(key.scopes.models),
        "endpoints": list(key.scopes.endpoints),
        **limits,
    }


def _instant(when: float | None) -> str | None:
    if when is None:
        return None
    return datetime.fromtimestamp(when, timezone.utc).isoformat(timespec="seconds")


def _state(key: Key, now: float) -> str:
    if key.revoked is not None:
        return "revoked"
    return "valid" if key.is_valid(now) else "expired"


def _scope(key: Key) -> str:
    return ", ".join((*key.scopes.models, *key.scopes.endpoints)) or "all"


def _limits(key: Key) -> str:
    told = [
        form.format(value)
        for name, form in _SHORT
        if (value := getattr(key.limits, name)) is not None
    ]
    for name, word in (("daily_budget", "day"), ("monthly_budget", "month")):
        value = getattr(key.limits, name)
        if value is not None:
            told.append(f"${value / 1_000_000:g}/{word}")
    return ", ".join(told) or "-"
