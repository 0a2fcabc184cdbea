"""The ledger: what every request used and what it cost, by key, model and day.

| module | what it does |
|---|---|
| `entry` | `Entry`: one request, and the line that it is written as |
| `journal` | files that are only appended to: where an entry is safe before its answer ends |
| `tables` | the SQLite file: one row for a request, sums by day, key and model |
| `ledger` | `Ledger`: appends, and moves journals into the tables in the background |
| `report` | `Report`: reads tables and journals together, for `claif-cla usage` and at start |

An entry is on disk when `append` returns: whatever kills the process loses nothing of it. What
cuts the machine's power may lose the last second or so. Each entry has the id of its request and
counts once, however often its line is read. Needs a system with `flock`, and a local disk.
"""

from __future__ import annotations

from claif_cla.gateway.ledger.entry import Entry
from claif_cla.gateway.ledger.ledger import Ledger
from claif_cla.gateway.ledger.report import Group, Report, Spent, Sums
from claif_cla.gateway.ledger.tables import LedgerError

__all__ = ["Entry", "Group", "Ledger", "LedgerError", "Report", "Spent", "Sums"]
