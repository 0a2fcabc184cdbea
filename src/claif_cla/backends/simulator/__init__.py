"""The simulator: an offline stand-in for the Messages API. It is no model.

One engine speaks the wire, enforces the API's rules and answers from the request alone. It
runs in process (`SimulatorBackend`, the client's `backend="simulator"`) or behind a loopback
HTTP server (`claif_cla.backends.simulator.server`, the command `claif-cla simulate`).
"""

from __future__ import annotations

from claif_cla.backends.simulator.backend import SimulatorBackend
from claif_cla.backends.simulator.engine import Engine

__all__ = ["Engine", "SimulatorBackend"]
