"""File, environment and flags as one table, which remembers where each value came from.

Later ones win: the file, then the environment, then the flags. What cannot be read becomes a
problem, and the rest is read nevertheless, so that all problems are told at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from claif_cla.gateway.config.known import (
    CONFIG_VARIABLE,
    PREFIX,
    Key,
    plain_type,
    section_of,
    variables,
)
from claif_cla.gateway.config.problems import ConfigError, nearest, shown

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["MAX_FILE_BYTES", "MAX_PATH", "Sources"]

MAX_FILE_BYTES = 4 * 1024 * 1024
"""Of the configuration: some ten thousand accounts or aliases; more is another file."""
MAX_PATH = 4_096
"""Of the file's own path in messages; Linux has no longer ones."""
_MAX_DIGITS = 20
"""Of a number in the environment; Python itself stops at 4,300 with an error of another kind."""
_BOOLEANS = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


class Sources:
    """The table in the making.

    Attributes:
        table: sections with their values, as TOML and JSON have them.
        problems: what could not be read, one line each.
    """

    def __init__(self) -> None:
        self.table: dict[str, Any] = {}
        self.problems: list[str] = []
        self._origins: dict[tuple[str, ...], str] = {}
        self._file: str = "the configuration"

    def origin(self, path: tuple[str | int, ...]) -> str:
        """Where the value at a path is from: a file, a variable, or the command line."""
        for length in range(len(path), 0, -1):
            found = self._origins.get(tuple(str(part) for part in path[:length]))
            if found is not None:
                return found
        return self._file

    def has(self, section: str, key: str) -> bool:
        """Whether a key was given anywhere."""
        inner = self.table.get(section)
        return isinstance(inner, dict) and key in inner

    def put(self, path: tuple[str, ...], value: Any, origin: str) -> None:
        """Set a value, over what is there."""
        inner = self.table
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        inner[path[-1]] = value
        self._origins[path] = origin

    def read_file(self, path: Path) -> None:
        """Take in a TOML file. Paths in it are relative to it.

        Raises:
            ConfigError: it cannot be read, or is no TOML: nothing else is worth telling then.
        """
        self._file = shown(str(path), MAX_PATH)
        try:
            with path.open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
            if len(data) > MAX_FILE_BYTES:
                raise ConfigError([f"{self._file}: is larger than {MAX_FILE_BYTES >> 20} MB"])
            table = tomllib.loads(data.decode("utf-8"))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConfigError([f"{self._file}: cannot be read: {reason}"]) from error
        except UnicodeDecodeError:
            # No `from`: it holds the whole file.
            raise ConfigError([f"{self._file}: is not UTF-8"]) from None
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            reason = str(error) if isinstance(error, ValueError) else "nested too deeply"
            raise ConfigError([f"{self._file}: is no TOML: {reason}"]) from None
        self._take_tables(table, path.parent)

    def _take_tables(self, table: dict[str, Any], base: Path) -> None:
        for name, value in table.items():
            if section_of((name,)) and name != "accounts" and not isinstance(value, dict):
                # The environment could not be laid over it.
                self.problems.append(f"{self._file}: {name}: should be a table: `[{name}]`")
                continue
            self.table[name] = _anchored(value, base)

    def read_environment(self, env: Mapping[str, str]) -> None:
        """Take in the gateway's variables. Empty ones are unset: compose files pass them so."""
        for name, text in sorted(env.items()):
            if not name.startswith(PREFIX) or name == CONFIG_VARIABLE:
                continue
            key = variables().get(name)
            if key is None:
                near = nearest(name, variables())
                meant = f"the nearest known one is {near}" if near else "--print-reference has all"
                self.problems.append(f"{shown(name)}: unknown variable; {meant}")
            elif text:
                try:
                    value = _parsed(key, text)
                except ValueError as error:
                    self.problems.append(f"{name}: {error}")
                else:
                    self.put(key.path, value, name)

    def read_flags(self, flags: Mapping[str, Any]) -> None:
        """Take in what the command line says, by dotted key; None is unsaid."""
        for name, value in flags.items():
            if value is not None:
                self.put(tuple(name.split(".")), value, "command line")


def _anchored(value: Any, base: Path) -> Any:
    """With paths (the keys `file` and `…_file`) made relative to the file's own directory."""
    if isinstance(value, list):
        return [_anchored(one, base) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: str(base / Path(one).expanduser())
        if isinstance(one, str) and one and (name == "file" or name.endswith("_file"))
        else _anchored(one, base)
        for name, one in value.items()
    }


def _parsed(key: Key, text: str) -> Any:
    """A variable's text as the value that a file would hold.

    Raises:
        ValueError: says what it should be; never what it is.
    """
    kind = plain_type(key.field.annotation)
    if kind is bool:
        if text.strip().lower() not in _BOOLEANS:
            raise ValueError("should be true or false")
        return _BOOLEANS[text.strip().lower()]
    if kind in (int, float):
        return _number(kind, text.strip())
    if kind in (tuple, dict):
        return _json(kind, text)
    if kind is Path:
        return str(Path(text).expanduser())
    return text


def _number(kind: type[int | float], text: str) -> int | float:
    expected = "a whole number" if kind is int else "a number"
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"should be {expected} of at most {_MAX_DIGITS} digits")
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"should be {expected}") from None


def _json(kind: type, text: str) -> Any:
    expected = "a JSON list" if kind is tuple else "a JSON object"
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        # No `from`: the error holds the text, and accounts hold keys.
        raise ValueError(f"should be {expected}; it is no JSON") from None
    if not isinstance(value, list if kind is tuple else dict):
        raise ValueError(f"should be {expected}")  # noqa: TRY004 - of its text
    return value
