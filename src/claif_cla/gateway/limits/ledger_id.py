"""What a ledger is known by among gateways that share budgets in Redis."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

__all__ = ["ledger_id"]

MAX_LENGTH = 64


def ledger_id(ledger: Path) -> str:
    """The id of a ledger: random, in a file beside it, made when it is first asked for.

    It moves with the ledger: a copy that is used beside the original needs one of its own, as
    `ledger.db.id` says which sums are the same money.

    Raises:
        OSError: the file can be neither read nor made.
    """
    path = ledger.with_name(f"{ledger.name}.id")
    if not path.exists():
        made = path.with_name(f"{path.name}-{secrets.token_hex(4)}")
        made.write_text(secrets.token_hex(12), encoding="ascii")
        # Of several processes at once, the first one's stays; a half-written one is never seen.
        with suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
    found = path.read_text(encoding="ascii", errors="replace").strip()
    if not found or len(found) > MAX_LENGTH or not found.isalnum():
        raise OSError(f"{path} holds no id; remove it, and a new one is made")
    return found
