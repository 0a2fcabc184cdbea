"""Models that think in each of the ways there are, and the rules that the API has for them."""

from __future__ import annotations

from typing import Any

from claif_cla.catalog.model_info import ModelInfo, Thinking, all_models, lookup

FIVE = ("low", "medium", "high", "xhigh", "max")


def model(
    types: str, default: Any = "off", levels: tuple[str, ...] = FIVE, display: Any = "omitted"
) -> ModelInfo:
    return ModelInfo(
        id="m",
        display_name="M",
        thinking=Thinking(frozenset(types.split()), default, display),
        effort_levels=levels,
        default_effort="high" if levels else None,
    )


ALWAYS = model("adaptive", "adaptive")
BETWEEN = model("adaptive between_tools", "adaptive")
DEFAULT_ON = model("adaptive disabled", "adaptive")
ON_DEMAND = model("adaptive disabled")
BOTH = model(
    "adaptive enabled disabled", levels=("low", "medium", "high", "max"), display="summarized"
)
BUDGETED = model("enabled disabled", levels=("low", "medium", "high"), display="summarized")
BUDGET_ONLY = model("enabled disabled", levels=(), display="summarized")._replace(
    max_output_tokens=64_000
)
THOUGHTLESS = model("", levels=(), display=None)
FOREIGN = ON_DEMAND._replace(family="foreign")

OFF = {"type": "disabled"}
BETWEEN_TOOLS = {"type": "between_tools"}
ADAPTIVE = {"type": "adaptive"}


def budget(tokens: int) -> dict[str, Any]:
    return {"type": "enabled", "budget_tokens": tokens}


def assert_taken(thinking: dict[str, Any] | None, effort: str | None, of: ModelInfo) -> None:
    """The rules that the API enforces for each model."""
    assert effort is None or effort in of.effort_levels
    if thinking is None:
        return
    kind = thinking["type"]
    assert kind in of.thinking.types
    if kind in {"disabled", "between_tools"}:
        assert thinking.keys() == {"type"}
        # Both are refused at the efforts above `high`.
        assert (effort or of.default_effort) in {None, "low", "medium", "high"}
    assert thinking.get("display") in {None, "summarized", "omitted"}


CATALOGUE = [*all_models(), lookup("claude-opus-99")]
