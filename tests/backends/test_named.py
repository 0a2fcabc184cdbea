from __future__ import annotations

import subprocess
import sys

import pytest

from claif_cla.backends.base import Backend
from claif_cla.backends.http import HttpBackend
from claif_cla.backends.named import backend_named
from claif_cla.backends.simulator import SimulatorBackend


@pytest.mark.parametrize(
    ("name", "kind"), [("anthropic", HttpBackend), ("simulator", SimulatorBackend)]
)
def test_backends_by_name(name, kind):
    backend = backend_named(name)
    assert isinstance(backend, kind)
    assert isinstance(backend, Backend)


@pytest.mark.parametrize("name", ["", "openai", "Anthropic"])
def test_an_unknown_name_is_refused_with_the_known_ones(name):
    with pytest.raises(ValueError, match=f"unknown backend '{name}'.*'anthropic', 'simulator'"):
        backend_named(name)


def test_a_backend_is_imported_when_it_is_asked_for():
    code = (
        "import sys; from claif_cla.backends.named import backend_named; "
        "backend_named('anthropic'); "
        "print(any(name.startswith('claif_cla.backends.simulator') for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"
