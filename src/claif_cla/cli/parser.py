"""Every argument of every command. Imports nothing heavy, so that `--help` answers at once."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from typing_extensions import override

from claif_cla.cli.arguments import EXIT_CODES, add_command, argument, positive, whole
from claif_cla.cli.parser_keys import add_keys
from claif_cla.cli.parser_usage import add_usage

__all__ = ["BACKENDS", "COMPAT", "DEFAULT_PORT", "EFFORTS", "build_parser", "checked_url"]

BACKENDS = ("anthropic", "simulator")
COMPAT = ("strict", "adapt", "lenient")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
DEFAULT_PORT = 8765

_Commands: TypeAlias = Any
"""What `add_subparsers` gives; argparse has no public name for it."""

_ASK = """\
The answer goes to stdout as it comes, everything else to stderr.

What to send:
  claif-cla ask "Why is the sky blue?"
  claif-cla ask -a chart.png -a report.pdf "Do these agree?"
  git diff | claif-cla ask "Review this change."
  claif-cla ask - < prompt.txt

With PROMPT, whatever is piped in is sent as a document named `stdin`. Without PROMPT, or with
`-`, the pipe is the prompt. Attachments come first, then the pipe, then the prompt: Claude
reads a question best after what it is about. In scripts whose stdin stays open, add </dev/null.
"""
_EXPLAIN = """\
REQUEST.json is the body of a Chat Completions request: what `create(**request)` would send.
Shown is the Messages request that it becomes (without the key and the HTTP client's own headers)
and each adaptation. A request that would be refused is answered with the reason and exit code 1.
"""
_SIMULATE = """\
An offline stand-in for the Messages API, for trying things and for tests. It is no model.
stdout gets the address in one line, so that a script can read it.

Faults, taken in order, each until its times are used up:
  --fault '429;retry-after=1;times=2'      two answers with status 429, then normal ones
  --fault stream-error@5                   an `error` event before the fifth event
  --fault cut@8    --fault stall@8         the connection breaks, or nothing more comes
A request can ask for the same with the headers `x-simulator-fault` and `x-simulator-pace`.
"""
_SERVE = """\
Any OpenAI or Anthropic program, in any language, on Claude: set its base URL to the address that
stdout gets in one line (OPENAI_BASE_URL wants /v1 behind it). Everything else goes to stderr.

With ANTHROPIC_API_KEY set it just runs, on 127.0.0.1; with --backend simulator it needs no key.
Options win over the environment (CLAIF_CLA_GATEWAY_<SECTION>__<KEY>), and that over the file.

SIGTERM or Ctrl-C: running answers go on for a while, a second one ends at once. SIGHUP: the
configuration is read again.
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser; the parsed `command` is the name of the module that runs it."""
    parser = argparse.ArgumentParser(
        prog="claif-cla",
        description="Claude on the command line, through the OpenAI interface of claif_cla.",
        epilog=EXIT_CODES,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_ask(commands)
    _add_models(commands)
    _add_explain(commands)
    _add_simulate(commands)
    _add_serve(commands)
    add_keys(commands)
    add_usage(commands)
    return parser


class _Version(argparse.Action):
    """Looks the version up only when asked."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    @override
    def __call__(self, parser: argparse.ArgumentParser, *unused: object) -> None:
        print(f"{parser.prog} {version('claif_cla')}")
        parser.exit()


def _add_where(parser: Any) -> None:
    parser.add_argument(
        "--backend",
        choices=BACKENDS,
        help="who answers; `simulator` needs no key (default: CLAIF_CLA_BACKEND, else anthropic)",
    )
    parser.add_argument(
        "--base-url",
        metavar="URL",
        type=argument(checked_url),
        help="any server that speaks the Messages API (default: ANTHROPIC_BASE_URL, else"
        " Anthropic's own)",
    )


def _add_model_and_compat(parser: Any) -> None:
    parser.add_argument(
        "-m",
        "--model",
        metavar="NAME",
        help="an id of `claif-cla models`, or `opus`, `sonnet`, `haiku`, `fable` for the newest"
        " of the line (default: CLAIF_CLA_MODEL, else sonnet)",
    )
    parser.add_argument(
        "--compat",
        choices=COMPAT,
        default="adapt",
        help="what happens to what Claude cannot honour exactly (default: adapt)",
    )


def _add_ask(commands: _Commands) -> None:
    parser = add_command(commands, "ask", "ask Claude one question", _ASK)
    parser.add_argument("prompt", metavar="PROMPT", nargs="?", help="the question; `-` for stdin")
    _add_model_and_compat(parser)
    parser.add_argument("-s", "--system", metavar="TEXT", help="the system message")
    parser.add_argument(
        "-a",
        "--attach",
        metavar="FILE",
        action="append",
        default=[],
        help="an image (JPEG, PNG, GIF, WebP), a PDF or a text file; may be given several times,"
        " 32 MB in all",
    )
    parser.add_argument(
        "--max-tokens",
        metavar="N",
        type=argument(positive),
        help="longest answer (default: the model's limit)",
    )
    parser.add_argument("--effort", choices=EFFORTS, help="how much to think")
    parser.add_argument(
        "--temperature",
        metavar="T",
        type=argument(_temperature),
        help="0 to 2; only older models take it",
    )
    parser.add_argument("--no-stream", action="store_true", help="show the answer when it is whole")
    parser.add_argument(
        "--json", action="store_true", help="show the whole ChatCompletion as JSON; no streaming"
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="tell model, usage and request id on stderr"
    )
    _add_where(parser)


def _add_models(commands: _Commands) -> None:
    parser = add_command(commands, "models", "list Claude's models with their limits and prices")
    parser.add_argument("--all", action="store_true", help="the retired ones as well")
    parser.add_argument("--json", action="store_true", help="every fact as JSON, with its source")
    parser.add_argument(
        "--live", action="store_true", help="ask the API which models the key may use"
    )
    _add_where(parser)


def _add_explain(commands: _Commands) -> None:
    parser = add_command(
        commands, "explain", "show the exact Messages request; nothing is sent", _EXPLAIN
    )
    parser.add_argument("request", metavar="REQUEST.json", help="the file; `-` for stdin")
    _add_model_and_compat(parser)
    parser.add_argument(
        "--json", action="store_true", help='{"request": …, "adaptations": …, "remarks": …}'
    )
    _add_where(parser)


def _add_simulate(commands: _Commands) -> None:
    parser = add_command(commands, "simulate", "serve the simulator", _SIMULATE)
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)"
    )
    parser.add_argument(
        "--port",
        type=argument(_port),
        default=DEFAULT_PORT,
        help=f"port to listen on; 0 for a free one (default: {DEFAULT_PORT})",
    )
    parser.add_argument("--fault", metavar="FAULTS", default="", help="what goes wrong; see above")
    parser.add_argument(
        "--pace", default="", help="how fast it answers: `ttft=SECONDS;tps=TOKENS_PER_SECOND`"
    )
    parser.add_argument("--quiet", action="store_true", help="show the address and nothing else")


def _add_serve(commands: _Commands) -> None:
    parser = add_command(commands, "serve", "serve the gateway", _SERVE)
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="the configuration, TOML (default: CLAIF_CLA_GATEWAY_CONFIG, else none)",
    )
    parser.add_argument("--host", metavar="HOST", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument(
        "--port",
        metavar="PORT",
        type=argument(_port),
        help="port to listen on; 0 for a free one (default: 8790)",
    )
    _add_where(parser)
    parser.add_argument(
        "--compat",
        choices=COMPAT,
        help="what happens to what Claude cannot honour exactly (default: adapt)",
    )
    parser.add_argument(
        "--insecure",
        action="store_const",
        const=True,
        help="serve without keys on an address that others reach",
    )
    parser.add_argument(
        "--check", action="store_true", help="check the configuration, tell it, and serve nothing"
    )
    parser.add_argument(
        "--print-reference",
        action="store_true",
        help="show every key of the configuration as a Markdown table",
    )
    parser.add_argument("--quiet", action="store_true", help="show the address and what goes wrong")


def checked_url(text: str) -> str:
    """`text`, if it is an HTTP address. Raises ValueError that says what is wrong."""
    message = f"{text!r} is no address; expected one such as https://api.anthropic.com"
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError as error:  # a port that is no number, brackets that do not match
        raise ValueError(message) from error
    if not usable:
        raise ValueError(message)
    return text


def _port(text: str) -> int:
    return whole(text, 0, 65535, "a port from 0 to 65535")


def _temperature(text: str) -> float:
    expected = f"{text!r} is not a number from 0 to 2"
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(expected) from error
    if math.isnan(value) or not 0 <= value <= 2:
        raise ValueError(expected)
    return value
