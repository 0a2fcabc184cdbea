"""Print the table of Chat Completions parameters from the code's own table.

python scripts/parameter_table.py            # print it
python scripts/parameter_table.py --write    # put it into the README
"""

from __future__ import annotations

import sys
from pathlib import Path

from claif_cla.translate.chat.params import PARAMS

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN = "<!-- parameters: begin (printed from the code by scripts/parameter_table.py) -->\n"
END = "<!-- parameters: end -->"


def table() -> str:
    """The table in Markdown, in the order of the code."""
    rows = [f"| `{name}` | {rule.fate} | {rule.note} |" for name, rule in PARAMS.items()]
    head = ["| parameter | by default | how |", "|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"


def with_table(text: str) -> str:
    """The README's text with the table in its place. Raises ValueError without the marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the README lacks the marks of the parameter table")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(table(), end="")
