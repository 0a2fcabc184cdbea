"""`load`: the whole configuration from file, environment and flags, checked at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr, TypeAdapter, ValidationError

from claif_cla.gateway.config.problems import ConfigError, dotted, problem_in
from claif_cla.gateway.config.sections import Account, Config, state_dir
from claif_cla.gateway.config.shapes import Secret
from claif_cla.gateway.config.sources import Sources

__all__ = ["MAX_SECRET_BYTES", "load"]

MAX_SECRET_BYTES = 16 * 1024
"""Of a file with a key, which has some hundred; more is another file."""

_NO_ACCOUNT = (
    "no account for upstream: set ANTHROPIC_API_KEY (or ANTHROPIC_AUTH_TOKEN), add `[[accounts]]`"
    " to the configuration, or try things without one: --backend simulator"
)
_GENERAL = {
    "CLAIF_CLA_BACKEND": ("upstream", "backend"),
    "CLAIF_CLA_MODEL": ("models", "default"),
}
"""Variables of the whole package: they hold where nothing of the gateway's own says otherwise."""


def load(
    path: Path | None = None,
    env: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Config:
    """The configuration. Flags win over the environment, and that over the file.

    Args:
        path: of the TOML file; None for none.
        env: the environment: `CLAIF_CLA_GATEWAY_<SECTION>__<KEY>`, and what is looked at where
            nothing else speaks: `CLAIF_CLA_BACKEND`, `CLAIF_CLA_MODEL`, `ANTHROPIC_API_KEY`,
            `ANTHROPIC_AUTH_TOKEN`, `ANTHROPIC_BASE_URL`, `XDG_STATE_HOME`, `HOME`.
        flags: by dotted key, such as `{"server.port": 8790}`; None is unsaid.

    Returns:
        With every secret read from its file.

    Raises:
        ConfigError: with all that is wrong.
    """
    env = env or {}
    sources = Sources()
    if path is not None:
        sources.read_file(path)
    sources.read_environment(env)
    sources.read_flags(flags or {})
    _add_general(sources, env)
    _add_account(sources, env)
    _add_state(sources, env)
    config = _validated(sources)
    if sources.problems or config is None:
        raise ConfigError(sources.problems)
    return _with_secrets(config, sources)


def _add_general(sources: Sources, env: Mapping[str, str]) -> None:
    for name, (section, key) in _GENERAL.items():
        if env.get(name) and not sources.has(section, key):
            sources.put((section, key), env[name], name)


def _add_account(sources: Sources, env: Mapping[str, str]) -> None:
    """The account that the environment brings, where none is configured."""
    if sources.table.get("accounts"):
        return
    for name, way in (("ANTHROPIC_API_KEY", "api_key"), ("ANTHROPIC_AUTH_TOKEN", "auth_token")):
        if env.get(name, "").strip():
            sources.put(("accounts",), [{"name": "default", way: env[name]}], name)
            break
    else:
        if not _is_simulated(sources):
            sources.problems.append(_NO_ACCOUNT)
        return
    # Only beside the key that it belongs to: another account's key must not go there.
    if env.get("ANTHROPIC_BASE_URL") and not sources.has("upstream", "base_url"):
        sources.put(("upstream", "base_url"), env["ANTHROPIC_BASE_URL"], "ANTHROPIC_BASE_URL")


def _is_simulated(sources: Sources) -> bool:
    return bool(
        sources.has("upstream", "backend") and sources.table["upstream"]["backend"] == "simulator"
    )


def _add_state(sources: Sources, env: Mapping[str, str]) -> None:
    for section, name in (("keys", "keys.db"), ("ledger", "ledger.db")):
        if sources.has(section, "file"):
            continue
        try:
            sources.put((section, "file"), str(state_dir(env) / name), "the state directory")
        except RuntimeError:
            where = "there is no home directory to keep it in; set it, or XDG_STATE_HOME"
            sources.problems.append(f"{section}.file: {where}")


def _validated(sources: Sources) -> Config | None:
    # As JSON, since strictness there still takes lists for tuples and texts for paths. What TOML
    # has beyond JSON (dates) becomes text, which no number takes for itself.
    try:
        return Config.model_validate_json(json.dumps(sources.table, default=str), strict=True)
    except ValidationError as error:
        for details in error.errors(include_input=False, include_url=False):
            path, words = problem_in(details)
            sources.problems.append(_told(sources, path, words))
    return None


def _told(sources: Sources, path: tuple[str | int, ...], words: str) -> str:
    origin = sources.origin(path)
    return f"{origin}: {dotted(path)}: {words}" if path else f"{origin}: {words}"


def _with_secrets(config: Config, sources: Sources) -> Config:
    """The accounts with their keys in hand instead of the files' names.

    Raises:
        ConfigError: for files that cannot be read, or hold no key.
    """
    accounts = []
    for number, account in enumerate(config.accounts):
        try:
            accounts.append(_filled(account))
        except ValueError as error:  # noqa: PERF203 - all problems are told, not the first
            way = "api_key_file" if account.api_key_file else "auth_token_file"
            sources.problems.append(_told(sources, ("accounts", number, way), str(error)))
    if sources.problems:
        raise ConfigError(sources.problems)
    return config.model_copy(update={"accounts": tuple(accounts)})


def _filled(account: Account) -> Account:
    for way in ("api_key", "auth_token"):
        file: Path | None = getattr(account, f"{way}_file")
        if file is not None:
            return account.model_copy(update={way: _secret_of(file), f"{way}_file": None})
    return account


def _secret_of(file: Path) -> SecretStr:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or type(error).__name__}") from error
    if len(data) > MAX_SECRET_BYTES:
        raise ValueError(f"names a file of more than {MAX_SECRET_BYTES >> 10} KB, which is no key")
    try:
        secret: SecretStr = TypeAdapter(Secret).validate_python(data.decode("utf-8-sig"))
    except (ValidationError, UnicodeDecodeError):
        # No `from`: these errors hold what they could not take.
        raise ValueError("names a file that holds no key: one line of ASCII") from None
    return secret
