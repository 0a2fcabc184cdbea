"""`__all__` of every module: there, sorted, and true."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from importlib import metadata

import pytest

import claif_cla

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(claif_cla.__path__, "claif_cla.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", ["claif_cla", *MODULES])
def test_all_is_sorted_and_true(name):
    module = importlib.import_module(name)
    is_folder = hasattr(module, "__path__")
    names = getattr(module, "__all__", [] if is_folder else None)
    assert names is not None, "a module says what it exports"
    assert [*names] == sorted(set(names), key=lambda one: (not one.isupper(), one[0] == "_", one))
    for exported in names:
        assert hasattr(module, exported)


def test_public_names_are_these():
    assert claif_cla.__all__ == [
        "AdaptationWarning",
        "AsyncClaudeClient",
        "AsyncOpenAI",
        "Backend",
        "ClaudeClient",
        "OpenAI",
        "ThinkingMemory",
        "__version__",
    ]
    assert dir(claif_cla) == claif_cla.__all__


def test_public_names_are_what_they_say():
    assert claif_cla.OpenAI is claif_cla.ClaudeClient
    assert claif_cla.AsyncOpenAI is claif_cla.AsyncClaudeClient
    assert claif_cla.__version__ == metadata.version("claif_cla")


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'claif_cla' has no attribute 'Claude'"):
        _ = claif_cla.Claude


def test_star_import_brings_every_name():
    code = "from claif_cla import *; print(ClaudeClient.__name__, OpenAI is ClaudeClient)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["ClaudeClient", "True"]


def test_the_package_is_typed():
    assert pkgutil.get_data("claif_cla", "py.typed") is not None
