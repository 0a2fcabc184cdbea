"""`claif-cla explain`: the Messages request that a Chat Completions request becomes.

It runs the same planning as the client does. Nothing is sent, and no key is needed.
"""

from __future__ import annotations

import json
import os
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from claif_cla.backends.http import HttpBackend
from claif_cla.backends.named import backend_named
from claif_cla.cli.attachments import MAX_REQUEST_BYTES
from claif_cla.cli.console import CommandError, Console, UsageError
from claif_cla.errors import Refusal
from claif_cla.translate.call import Call, Settings
from claif_cla.translate.chat.plan import Plan
from claif_cla.translate.chat.request import plan_request
from claif_cla.wire import json_text

__all__ = ["run"]

CHAT_PATH = "/chat/completions"


def run(args: Namespace, console: Console) -> int:
    """Show the request and its adaptations.

    Raises:
        UsageError: the file cannot be read or holds no JSON object.
        CommandError: the request would be refused.
    """
    request = _object(_read(args.request, console), _name(args.request))
    if args.model is not None:
        request = {**request, "model": args.model}
    try:
        plan = plan_request(_call(request, args))
    except (Refusal, RecursionError) as error:
        return _refused(error, console, as_json=args.json)
    if args.json:
        console.json(_as_json(plan))
    else:
        _show(plan, console)
    return 0


# What is read


def _name(path: str) -> str:
    return "stdin" if path == "-" else path


def _read(path: str, console: Console) -> bytes:
    if path == "-":
        return console.read_stdin(MAX_REQUEST_BYTES)
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_REQUEST_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        reason = error.strerror if isinstance(error, OSError) else None
        raise UsageError(f"cannot read {path}: {reason or error}") from error
    if len(data) > MAX_REQUEST_BYTES:
        message = f"{path} is longer than the {MAX_REQUEST_BYTES >> 20} MB that a request may have"
        raise UsageError(message)
    return data


def _object(data: bytes, name: str) -> dict[str, Any]:
    """The JSON object in `data`. Raises UsageError with line and column."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        where = f"{name}:{before.count(10) + 1}:{column}"
        raise UsageError(f"{where}: no UTF-8 text") from error
    try:
        value = json_text.load(text)
    except json.JSONDecodeError as error:
        where = f"{name}:{error.lineno}:{error.colno}"
        raise UsageError(f"{where}: no JSON: {error.msg}") from error
    except ValueError as error:
        raise UsageError(f"{name}:1:1: {error}") from error
    if not isinstance(value, dict):
        raise UsageError(f"{name}:1:1: expected a JSON object, the body of a request")
    return value


def _call(request: dict[str, Any], args: Namespace) -> Call:
    settings = Settings(
        compat=args.compat,
        default_model=os.environ.get("CLAIF_CLA_MODEL") or None,
        official=_is_official(args),
    )
    return Call("POST", CHAT_PATH, request, settings, now=int(time.time()))


def _is_official(args: Namespace) -> bool:
    """Whether it would go to Anthropic's own API, where retired models have successors."""
    root = args.base_url or os.environ.get("ANTHROPIC_BASE_URL")
    try:
        backend = backend_named(
            args.backend or os.environ.get("CLAIF_CLA_BACKEND") or HttpBackend.name
        )
    except ValueError as error:
        raise UsageError(f"CLAIF_CLA_BACKEND: {error}") from error
    return not root or backend.is_official(root)


# What is shown


def _refused(error: Refusal | RecursionError, console: Console, *, as_json: bool) -> int:
    """Says why, with param and code. Raises CommandError, or shows it as JSON."""
    if isinstance(error, RecursionError):
        error = Refusal("the request is nested too deeply", param=None, code="invalid_value")
    if as_json:
        refusal = {"message": error.message, "param": error.param, "code": error.code}
        console.json({"request": None, "adaptations": [], "remarks": [], "refusal": refusal})
        return CommandError.exit_code
    param = f"`{error.param}`, " if error.param else ""
    raise CommandError(f"refused ({param}{error.code}): {error.message}")


def _as_json(plan: Plan) -> dict[str, Any]:
    upstream = plan.upstream()
    request = {
        "method": upstream.method,
        "path": upstream.path,
        "headers": dict(upstream.headers),
        # From the bytes and not from the plan: what is shown is what would travel.
        "body": json_text.load(upstream.body),
    }
    adaptations = [dict(receipt) for receipt in plan.receipts.entries]
    return {"request": request, "adaptations": adaptations, "remarks": list(plan.remarks)}


def _show(plan: Plan, console: Console) -> None:
    shown = _as_json(plan)
    request = shown["request"]
    console.line(f"{request['method']} {request['path']}")
    for name, value in request["headers"].items():
        console.line(f"{name}: {value}")
    console.line()
    console.json(request["body"])
    console.line()
    console.line("Adaptations:" if shown["adaptations"] else "Adaptations: none")
    for receipt in shown["adaptations"]:
        console.line(f"  `{receipt['param']}` {receipt['action']}: {receipt['detail']}")
    for remark in shown["remarks"]:
        console.line(f"Remark: {remark}")
