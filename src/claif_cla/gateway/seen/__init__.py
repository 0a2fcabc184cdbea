"""What is seen of the gateway: metrics, the access log, and traces.

| module | what it does |
|---|---|
| `seen` | all three, for one visit after another |
| `metrics` | counters and histograms for Prometheus |
| `access_log` | one line a request, of listed fields |
| `redaction` | what looks like a secret, blotted out |
| `answer` | what an answer's headers tell of its request |
| `tracing` | spans and metrics by OpenTelemetry, where they are wanted |
"""

from __future__ import annotations

from claif_cla.gateway.seen.answer import answer_headers
from claif_cla.gateway.seen.seen import Seen

__all__ = ["Seen", "answer_headers"]
