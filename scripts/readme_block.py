"""Print one shell block of the README by its name, for CI: `python scripts/readme_block.py ask`.

A block's name stands in a comment before it: `<!-- block: ask -->`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def block(name: str, text: str) -> str:
    """The code of the block. Raises KeyError if there is none of that name."""
    pattern = rf"<!-- block: {re.escape(name)} -->\s*```\w+\n(.*?)```"
    found = re.search(pattern, text, re.DOTALL)
    if found is None:
        raise KeyError(name)
    return found.group(1)


if __name__ == "__main__":
    print(block(sys.argv[1], README.read_text(encoding="utf-8")), end="")
