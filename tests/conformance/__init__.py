"""The published contract: named checks of any OpenAI-compatible client or server for Claude.

    PYTHONPATH=tests python -m conformance --subject claif

A check is a few lines: the Chat Completions calls to make, what a fake Anthropic upstream on
loopback answers, and what must hold of the request that reached the upstream (`bench.wire`) and
of what the caller got. What is tested, the subject, stands behind a small protocol
(`conformance.subjects`), so that the same checks judge this package, another library, or a
gateway. `docs/conformance.md` tells the rest.
"""

from conformance.registry import Check, all_checks

__all__ = ["Check", "all_checks"]
