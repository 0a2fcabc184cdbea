"""The simulator: an offline stand-in for the Messages API. It is no model.

One engine speaks the wire, enforces the API's rules and answers from the request alone:

- in process, as the client's `backend="simulator"` or `SimulatorBackend(...)`;
- behind a loopback HTTP server, as `claif-cla simulate` or
  `claif_cla.backends.simulator.server.serve(...)`.

What it does on demand:

- `triggers`: words in the prompt for refusals, pauses, long and empty answers;
- `tool_calls`: how a prompt makes it call tools;
- `faults`: errors, stalls and broken connections, by the header `x-simulator-fault` or for a
  whole engine;
- `pace`: time to first token and tokens per second, by `x-simulator-pace` or for an engine.

What it does not do: count tokens as the models do, run server tools other than a made-up web
search, read images or PDF files, keep files or batches. Requests for betas are let through as
far as their fields are known, and answered as if they were not there.
"""

from __future__ import annotations

from claif_cla.backends.simulator.backend import SimulatorBackend
from claif_cla.backends.simulator.engine import Engine

__all__ = ["Engine", "SimulatorBackend"]
