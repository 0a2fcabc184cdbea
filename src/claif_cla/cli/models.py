"""`claif-cla models`: the catalogue as a table or as JSON, refined by the API when asked to."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from claif_cla.catalog.live import merge_live
from claif_cla.catalog.model_info import (
    THINKING_TYPES,
    ModelInfo,
    active_models,
    all_models,
    lookup,
)
from claif_cla.cli.console import Console

__all__ = ["run"]

_HEAD = ("MODEL", "LINE", "LIFECYCLE", "RETIRES", "CONTEXT", "OUTPUT", "THINKING", "PRICE IN/OUT")
_UNKNOWN = "-"


def run(args: Namespace, console: Console) -> int:
    """Show the models, newest first.

    Raises:
        UsageError: `--live` without a key.
        CommandError: `--live`, and the API failed.
    """
    models = _live(args) if args.live else active_models()
    if args.all:
        listed = {model.id for model in models}
        models = (*models, *(model for model in all_models() if model.id not in listed))
    if args.json:
        console.json([model.as_json() for model in models])
        return 0
    for line in _table([_HEAD, *map(_row, models)]):
        console.line(line)
    console.line()
    console.line("THINKING: its kinds, and what happens when a request does not say.")
    console.line("PRICE: USD per million tokens. `>=`: served at least until that day.")
    if any(model.restricted for model in models):
        console.line("*: only verified organizations may call it.")
    return 0


# What the API says


def _live(args: Namespace) -> tuple[ModelInfo, ...]:
    """The models that the key may use, with the API's facts over the catalogue's."""
    import openai  # noqa: PLC0415 - the catalogue alone needs no client

    from claif_cla.cli.access import client_for, failure  # noqa: PLC0415

    with client_for(args) as client:
        try:
            page = client.models.list()
        except openai.APIError as error:
            raise failure(error, client) from error
    return tuple(_refined(model.to_dict(mode="json")) for model in page.data)


def _refined(model: Mapping[str, Any]) -> ModelInfo:
    """The facts for one model of the client's list, which has them beside OpenAI's fields."""
    told = {
        "max_input_tokens": model.get("context_window"),
        "max_tokens": model.get("max_output_tokens"),
        "retires_at": model.get("shutdown_date"),
        **{name: model.get(name) for name in ("display_name", "line", "lifecycle")},
        "capabilities": model.get("capabilities"),
    }
    return merge_live(lookup(str(model["id"])), told)


# The table


def _row(model: ModelInfo) -> tuple[str, ...]:
    return (
        model.id,
        model.line or _UNKNOWN,
        f"{model.lifecycle}{'*' if model.restricted else ''}",
        _retires(model),
        _size(model.context_window),
        _size(model.max_output_tokens),
        _thinking(model),
        _price(model),
    )


def _retires(model: ModelInfo) -> str:
    if model.retires_at is not None:
        return model.retires_at
    return f">= {model.retires_not_before}" if model.retires_not_before else _UNKNOWN


def _size(tokens: int) -> str:
    """`1M`, `200k`, `4096`."""
    for unit, name in ((1_000_000, "M"), (1000, "k")):
        if tokens % unit == 0:
            return f"{tokens // unit}{name}"
    return str(tokens)


def _thinking(model: ModelInfo) -> str:
    """Its kinds in the API's words, and whether it thinks when a request does not say."""
    thinking = model.thinking
    kinds = [kind for kind in THINKING_TYPES if kind in thinking.types and kind != "disabled"]
    if not kinds:
        return _UNKNOWN
    when = "always" if thinking.always_on else "off" if thinking.default == "off" else "on"
    return f"{'|'.join(kinds)}, {when}"


def _price(model: ModelInfo) -> str:
    usual = _pair(model.prices, "")
    if model.long_prompt_tokens is None:
        return usual
    return f"{usual} (over {_size(model.long_prompt_tokens)}: {_pair(model.prices, 'long_')})"


def _pair(prices: Mapping[str, float], kind: str) -> str:
    found = [prices.get(f"{kind}{side}") for side in ("input", "output")]
    if None in found:
        return _UNKNOWN
    return " / ".join(f"{price:g}" for price in found)


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
