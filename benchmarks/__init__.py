"""What a call costs: ours beside the stock OpenAI SDK, the anthropic SDK, LiteLLM and any-llm.

    python -m benchmarks --quick

`upstream` answers as both APIs do, from bytes made beforehand, in its own process. Each library
(`subjects`) is loaded in a process of its own (`worker`), so that none pays for what another
imports; `measure` lets them work in turns, and `report` prints what came of it.
"""
