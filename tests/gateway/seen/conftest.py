"""What the tests of what is seen have in common."""

from __future__ import annotations

import pytest

from claif_cla.gateway.seen import line_writer


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """The end waits for the thread that writes, however busy the machine is."""
    monkeypatch.setattr(line_writer, "CLOSE_SECONDS", 60.0)
