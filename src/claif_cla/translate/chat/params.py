"""The table: every parameter of Chat Completions, and what becomes of it.

One line per parameter, held complete against the installed openai SDK by a test. The notes are
what users read, in receipts, in refusals and in the README's table. To add a parameter, add its
line, and for `Convert` a pure function `(value, context) -> patch` in the module of its subject.
"""

from __future__ import annotations

from collections.abc import Mapping

from claif_cla.translate import checks
from claif_cla.translate.chat import identity, instructions, limits, sampling, tool_choice
from claif_cla.translate.chat.caching import (
    cache_key_patch,
    cache_options_patch,
    cache_retention_patch,
)
from claif_cla.translate.chat.context import Context
from claif_cla.translate.chat.messages import messages_patch
from claif_cla.translate.chat.structured import response_format_patch
from claif_cla.translate.chat.tier import service_tier_patch
from claif_cla.translate.rules import Convert, Elsewhere, Refuse, Rule, Tune

__all__ = ["PARAMS"]

_NO_LOGPROBS = "Claude gives no log probabilities."

PARAMS: Mapping[str, Rule[Context]] = {
    "model": Elsewhere("`model`; Claude ids pass, retired ones go to their successor."),
    "messages": Convert(messages_patch, "`messages` and `system`."),
    "tools": Elsewhere("`tools`; names, schemas and custom tools are mapped both ways."),
    "functions": Elsewhere("`tools`; the answer uses `function_call` as it did."),
    "tool_choice": Convert(tool_choice.tool_choice_patch, "`tool_choice`."),
    "function_call": Convert(tool_choice.function_call_patch, "`tool_choice`."),
    "parallel_tool_calls": Convert(
        tool_choice.parallel_patch, "`tool_choice.disable_parallel_tool_use`."
    ),
    "max_completion_tokens": Convert(
        limits.max_completion_tokens_patch, "`max_tokens`; wins over it."
    ),
    "max_tokens": Convert(limits.max_tokens_patch, "`max_tokens`; absent: the model's limit."),
    "stop": Convert(limits.stop_patch, "`stop_sequences`, more than four as well."),
    "temperature": Convert(
        sampling.temperature_patch, "`temperature` up to 1 where the model takes it."
    ),
    "top_p": Convert(sampling.top_p_patch, "`top_p` where the model takes it."),
    "frequency_penalty": Convert(
        instructions.frequency_penalty_patch, "A sentence about repetition.", "adapted"
    ),
    "presence_penalty": Convert(
        instructions.presence_penalty_patch, "A sentence about new topics.", "adapted"
    ),
    "verbosity": Convert(instructions.verbosity_patch, "A sentence about length.", "adapted"),
    "reasoning_effort": Elsewhere("`thinking` and `output_config.effort`, as the model has them."),
    "response_format": Convert(response_format_patch, "`output_config.format`."),
    "stream": Elsewhere("`stream`."),
    "stream_options": Elsewhere("`include_usage` gives the last chunk with the usage."),
    "user": Convert(identity.user_patch, "`metadata.user_id`, hashed if it looks personal."),
    "safety_identifier": Convert(
        identity.safety_identifier_patch, "`metadata.user_id`; wins over `user`."
    ),
    "metadata": Convert(identity.metadata_patch, "Claude stores no labels of requests.", "dropped"),
    "prompt_cache_key": Convert(cache_key_patch, "Asks for automatic prompt caching."),
    "prompt_cache_options": Convert(cache_options_patch, "`cache_control`."),
    "prompt_cache_retention": Convert(cache_retention_patch, "`cache_control.ttl`."),
    "seed": Tune(
        "Claude's answers cannot be seeded; OpenAI promises best effort only.", checks.integer
    ),
    "prediction": Tune(
        "Claude needs no predicted output; it only makes OpenAI faster.", checks.mapping
    ),
    "store": Tune(
        "Claude stores no answers for later retrieval.", checks.boolean, neutral=(False,)
    ),
    "service_tier": Convert(
        service_tier_patch, "`service_tier`; `priority` and `fast` are `speed`, Claude's fast mode."
    ),
    "n": Elsewhere("As many requests at once; `choices` and the chunks of all in one."),
    "logprobs": Refuse(_NO_LOGPROBS, checks.boolean, neutral=(False,)),
    "top_logprobs": Refuse(_NO_LOGPROBS, checks.integer, neutral=(0,)),
    "logit_bias": Refuse("Claude's token odds cannot be changed.", checks.mapping, neutral=({},)),
    "modalities": Refuse("Claude answers in text.", checks.sequence, neutral=(["text"], [])),
    "audio": Tune("It shapes spoken answers; Claude answers in text.", checks.mapping),
    "moderation": Refuse("Claude's API has no moderation scores.", checks.mapping),
    "web_search_options": Elsewhere("Claude's web search tool; sources in `annotations`."),
}
