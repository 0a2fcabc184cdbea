"""The spellings under which gateways and clouds serve the same model, by rule.

Only facts are looked up by these: the name that is sent is never rewritten here.

    anthropic/claude-sonnet-4.5              routers: a maker's prefix, dots in the version
    us.anthropic.claude-haiku-4-5-20251001-v1:0      Bedrock: profile, maker, revision
    arn:aws:bedrock:…/eu.anthropic.claude-sonnet-4-6 Bedrock: by resource name
    claude-opus-4-1@20250805                 Vertex: the date after an at sign
    claude-sonnet-4-5-20250929, claude-sonnet-4-5    dated and undated
    claude-4-5-haiku, claude-sonnet-3.7      version and line in the other order
    claude-opus-4-6[1m]                      a window size in brackets, as Claude Code writes it
"""

from __future__ import annotations

from collections.abc import Iterator

from claif_cla.catalog.data_file import undated

__all__ = ["MAX_NAME", "claude_part", "is_bare_claude", "spellings"]

MAX_NAME = 256
"""Longer names are no model of ours; Bedrock's resource names stay well below."""

_CLAUDE = "claude-"
_MAKER = "anthropic"


def claude_part(name: str) -> str:
    """`name` from its `claude-` on, if that stands at the start or after `/`, `.` or `:`.

    Lower case; empty if there is no such part or the name is too long.
    """
    if len(name) > MAX_NAME:
        return ""
    name = name.lower()
    at = name.rfind(_CLAUDE)
    if at < 0 or (at > 0 and name[at - 1] not in "/.:"):
        return ""
    return name[at:]


def is_bare_claude(name: str) -> bool:
    """Whether `name` claims to be one of Anthropic's models, whatever its version.

    True for `claude-…` itself and behind a maker's prefix (`anthropic/`, `anthropic.`,
    `claude/`); false for `someone/claude-distill-7b`, which may be anything.
    """
    part = claude_part(name)
    if not part:
        return False
    prefix = name.lower()[: -len(part)]
    return not prefix or prefix[:-1].endswith((_MAKER, "claude"))


def spellings(part: str) -> Iterator[str]:
    """The catalogue names that `part` (see `claude_part`) may stand for, likeliest first."""
    yield part
    core = _without_revision(part)
    for name in dict.fromkeys((core, core.replace(".", "-"))):
        yield name
        yield undated(name)
        swapped = _swapped(name)
        if swapped:
            yield swapped
            yield undated(swapped)


def _without_revision(part: str) -> str:
    """`part` without brackets, `:…` (revision, variant) and `-v1`, with `@date` as `-date`."""
    core = part.partition("[")[0].partition(":")[0]
    core, _, tag = core.partition("@")
    stem, dash, tail = core.rpartition("-")
    if dash and tail[:1] == "v" and tail[1:].isdigit():
        core = stem
    return f"{core}-{tag}" if tag.isdigit() else core


def _swapped(name: str) -> str | None:
    """`claude-4-5-haiku-…` as `claude-haiku-4-5-…`, and the other way round."""
    head, *words = name.split("-")
    numbers = [word for word in words if word.isdigit() and len(word) <= 2]
    lines = [word for word in words if word.isalpha() and word != "latest"]
    rest = [word for word in words if word not in numbers and word not in lines]
    if not numbers or len(lines) != 1:
        return None
    other = [*numbers, *lines] if words[0] in lines else [*lines, *numbers]
    return "-".join([head, *other, *rest])
