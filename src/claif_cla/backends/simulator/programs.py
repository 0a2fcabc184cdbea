"""Tools that a program calls: Claude writes code, and the code calls the caller's tools.

A tool whose `allowed_callers` names the code execution tool and not `direct` is called from a
program. The program waits while the caller answers; its further calls come in messages of their
own, whole in `message_start` as the API sends them, and its result when there are none left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from claif_cla.backends.simulator.conversation import Turn, blocks_of, text_of
from claif_cla.backends.simulator.ids import make_id
from claif_cla.backends.simulator.rules.check import ValidRequest
from claif_cla.backends.simulator.rules.pairing import open_programs

__all__ = [
    "caller_of",
    "container_of",
    "needs_program",
    "program_call",
    "program_result",
    "runs_code",
    "waiting_program",
]

_CODE = "code_execution"
_CALLERS = ("code_execution_20250825", "code_execution_20260120")
"""What `caller.type` may be, whichever later version of the tool runs the program."""
_EXPIRES = "2099-12-31T23:59:59.000000Z"


def _code_tool(request: ValidRequest) -> str | None:
    kinds = (str(tool.get("type", "")) for tool in request.payload.get("tools") or ())
    return next((kind for kind in kinds if kind.startswith(f"{_CODE}_")), None)


def needs_program(request: ValidRequest, names: Sequence[str]) -> bool:
    """Whether one of these tools may be called by a program only, and there is a tool to run it."""
    tools = request.payload.get("tools") or ()
    callers = {str(tool.get("name")): tool.get("allowed_callers") or ["direct"] for tool in tools}
    only = any("direct" not in callers[name] for name in names)
    return only and _code_tool(request) is not None


def caller_of(request: ValidRequest, program: str | None) -> dict[str, Any]:
    """The `caller` of a call: Claude, or the program with this id."""
    if program is None:
        return {"type": "direct"}
    oldest = _code_tool(request) == _CALLERS[0]
    return {"type": _CALLERS[0 if oldest else 1], "tool_id": program}


def waiting_program(turns: Sequence[Turn]) -> str | None:
    """The id of the call whose program waits for the results that the last turn brings."""
    if turns[-1].role != "user" or turns[-1].blocks[0]["type"] != "tool_result":
        return None
    return next(iter(open_programs(turns)), None)


def program_call(names: Sequence[str], seed: bytes) -> dict[str, Any]:
    """The call of the tool that runs the program."""
    code = "\n".join(f"print(await {name}())" for name in names)
    return {
        "type": "server_tool_use",
        "id": make_id("srvtoolu", seed, b"program"),
        "name": _CODE,
        "input": {"code": code},
        "caller": {"type": "direct"},
    }


def program_result(program: str, turns: Sequence[Turn]) -> dict[str, Any]:
    """What the program printed: the results that it was given last."""
    results = [block for block in turns[-1].blocks if block["type"] == "tool_result"]
    printed = "\n".join(text_of(blocks_of(block.get("content"))) for block in results)
    ran = {"stdout": f"{printed}\n", "stderr": "", "return_code": 0, "content": []}
    return {
        "type": "code_execution_tool_result",
        "tool_use_id": program,
        "content": {"type": "code_execution_result", **ran},
    }


def runs_code(block: Mapping[str, Any]) -> bool:
    """Whether a block is a call of the code execution tool, or what came of one."""
    return _CODE in str(block.get("name", block["type"]))


def container_of(payload: Mapping[str, Any], seed: bytes) -> dict[str, Any]:
    """The container that ran the code: the request's, or a new one."""
    given = payload.get("container")
    known = given.get("id") if isinstance(given, dict) else given
    return {"id": known or make_id("container", seed), "expires_at": _EXPIRES}
