"""The command `claif-cla`: arguments and terminals. One module per command, each loaded on use.

| module | what it does |
|---|---|
| `__main__` | entry point, exit codes |
| `parser` | every argument, and nothing heavy: `--help` answers at once |
| `console` | stdin, stdout and stderr, and what may be written to them |
| `ask`, `explain`, `models`, `simulate`, `serve` | the commands: `run` gives the exit code |
| `access` | the client for a command, and its failures in one line |
| `attachments` | files and pipes as content parts |
"""

from __future__ import annotations

__all__: list[str] = []
