import pytest

from chat_requests import function_tool, plan, receipts
from claif_cla.translate.chat.beta_tools import needed_betas

COMPUTER = {
    "type": "computer_20251124",
    "name": "computer",
    "display_width_px": 9,
    "display_height_px": 9,
}
TOOLSET = {"type": "mcp_toolset", "mcp_server_name": "s"}
SERVERS = [{"type": "url", "name": "s", "url": "https://e.x"}]


def beta(**request):
    return plan(**request).headers.get("anthropic-beta")


@pytest.mark.parametrize(
    ("tool", "needed"),
    [
        (COMPUTER, "computer-use-2025-11-24"),
        ({**COMPUTER, "type": "computer_20250124"}, "computer-use-2025-01-24"),
        ({"type": "bash_20241022", "name": "bash"}, "computer-use-2024-10-22"),
        ({"type": "advisor_20260301", "name": "advisor"}, "advisor-tool-2026-03-01"),
        (TOOLSET, "mcp-client-2025-11-20"),
    ],
)
def test_a_tool_in_beta_brings_its_header(tool, needed):
    assert beta(tools=[tool, tool | {"name": "other"}]) == needed
    assert plan(tools=[tool]).body["tools"] == [tool]
    assert receipts(tools=[tool]) == []


def test_servers_bring_theirs():
    assert beta(mcp_servers=SERVERS, tools=[TOOLSET]) == "mcp-client-2025-11-20"
    assert beta(mcp_servers=SERVERS) == "mcp-client-2025-11-20"


@pytest.mark.parametrize(
    "given",
    [
        {"betas": ["mcp-client-2026-09-15"]},
        {"headers": {"anthropic-beta": "a, mcp-client-2026-09-15"}},
    ],
)
def test_the_callers_own_date_wins(given):
    assert "mcp-client-2025-11-20" not in beta(mcp_servers=SERVERS, tools=[TOOLSET], **given)


def test_it_stands_beside_the_callers_betas():
    assert beta(tools=[COMPUTER], betas=["x-2026-01-01"]) == "x-2026-01-01,computer-use-2025-11-24"


@pytest.mark.parametrize(
    "tool",
    [
        function_tool(),
        {"type": "bash_20250124", "name": "bash"},
        {"type": "web_search_20300101", "name": "web_search"},
    ],
)
def test_all_other_tools_need_none(tool):
    assert beta(tools=[tool]) is None


def test_a_body_without_tools_needs_none():
    assert needed_betas({}, []) == []
