"""What importing costs: nothing but openai, and that only when a client is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = """
import socket, sys
def no_network(*args, **options):
    raise AssertionError("an import reached for the network")
socket.socket.connect = socket.getaddrinfo = no_network
before = set(sys.modules)
{code}
print("\\n".join(sorted(set(sys.modules) - before)))
"""


def loaded(code):
    """The modules that a fresh interpreter has loaded after `code`."""
    command = [sys.executable, "-c", LOADED.format(code=code)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def roots(modules):
    return {name.partition(".")[0] for name in modules}


def test_the_package_alone_loads_no_library_and_none_of_its_modules():
    modules = loaded("import claif_cla; dir(claif_cla)")
    assert {name for name in modules if name.startswith("claif_cla")} == {"claif_cla"}
    assert roots(modules) & {"openai", "httpx", "httpx2", "anyio", "pydantic", "asyncio"} == set()


@pytest.mark.parametrize("name", ["AdaptationWarning", "Backend", "__version__"])
def test_small_names_load_no_library(name):
    modules = loaded(f"from claif_cla import {name}")
    assert roots(modules) & {"openai", "httpx", "httpx2", "anyio", "pydantic"} == set()


@pytest.mark.parametrize(
    ("stock", "ours"),
    [
        ("import openai", "from claif_cla import ClaudeClient, AsyncClaudeClient"),
        (
            "import openai; openai.OpenAI(api_key='k').chat.completions",
            "from claif_cla import ClaudeClient; ClaudeClient(api_key='k').chat.completions",
        ),
        (
            "import openai; openai.AsyncOpenAI(api_key='k').chat.completions",
            "import claif_cla; claif_cla.AsyncClaudeClient(api_key='k').chat.completions",
        ),
    ],
    ids=["import", "client", "async client"],
)
def test_a_client_loads_nothing_that_openai_does_not(stock, ours):
    more = loaded(ours) - loaded(stock)
    assert sorted(name for name in more if not name.startswith("claif_cla")) == []
    assert not [name for name in more if name.startswith("claif_cla.backends.simulator")]
    assert not [name for name in more if name.startswith("claif_cla.cli.")]
    assert "claif_cla.chat_params" not in more  # for type checkers only


def test_what_few_calls_need_is_loaded_by_those():
    modules = loaded("from claif_cla import ClaudeClient; ClaudeClient(api_key='k')")
    chat = {name.rpartition(".")[2] for name in modules if "translate.chat." in name}
    assert "flow" in chat
    assert (
        chat & {"correction", "fan_out", "lessons", "media", "stream", "tool_definitions"} == set()
    )
    assert not [name for name in modules if name.startswith("claif_cla.translate.schema")]
