"""The betas that tools of Anthropic's own need: without the header the API does not know them.

From the SDK: tools that only `types/beta/beta_tool_union_param.py` has, and the names of betas in
`types/anthropic_beta_param.py`. All others are generally available.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

__all__ = ["needed_betas"]

_MCP = "mcp-client-2025-11-20"
_BETA_OF: Mapping[str, str] = {
    "advisor_20260301": "advisor-tool-2026-03-01",
    "bash_20241022": "computer-use-2024-10-22",
    "computer_20241022": "computer-use-2024-10-22",
    "computer_20250124": "computer-use-2025-01-24",
    "computer_20251124": "computer-use-2025-11-24",
    "mcp_toolset": _MCP,
    "text_editor_20241022": "computer-use-2024-10-22",
}
_DATE = len("-2025-11-20")


def needed_betas(body: Mapping[str, Any], given: Collection[str]) -> list[str]:
    """The betas that `body` needs and that are not among those `given`, of any date."""
    needed = [_BETA_OF.get(str(tool.get("type"))) for tool in body.get("tools", ())]
    needed.append(_MCP if body.get("mcp_servers") else None)
    stems = {beta.strip()[:-_DATE] for beta in given}
    return [beta for beta in dict.fromkeys(needed) if beta and beta[:-_DATE] not in stems]
