"""One model per class of rules."""

from claif_cla.catalog.model_info import active_models

__all__ = ["ALL_MODELS", "FOREIGN", "MIDDLE", "NEWEST", "OLD", "STEADY", "UNKNOWN"]

NEWEST = "claude-opus-5-5"
"""No sampling, no forced tool, thinks always; system messages may stand anywhere."""

STEADY = "claude-opus-4-8"
"""No sampling, forced tools, thinks when asked; system messages may stand anywhere."""

MIDDLE = "claude-sonnet-4-6"
"""`temperature` or `top_p`, forced tools; no prefill, no system messages within a conversation."""

OLD = "claude-sonnet-4-5"
"""As `MIDDLE`, but thinks within a budget, has no effort, and continues a prefill."""

UNKNOWN = "claude-zeta-9"
"""A Claude that is newer than the catalogue."""

FOREIGN = "llama3.3:70b"
"""A model of another maker behind a server that speaks the Messages API."""

ALL_MODELS = (*(model.id for model in active_models()), UNKNOWN, FOREIGN)
