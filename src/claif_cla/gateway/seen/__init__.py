"""What is seen of the gateway: metrics, the access log, and traces.

| module | what it does |
|---|---|
| `seen` | all three, for one visit after another |
| `metrics`, `labels` | counters and histograms for Prometheus, and what their labels may say |
| `access_log`, `line_writer` | one line a request, of listed fields; on its way to a slow reader |
| `redaction` | what looks like a secret, and what is one, blotted out |
| `tokens` | what a request has used, by kind |
| `answer` | what an answer's headers tell of its request |
| `tracing`, `attempts`, `content` | spans by OpenTelemetry, where wanted |
| `otel_metrics`, `otel`, `genai` | its metrics, its providers, its names |
"""

from __future__ import annotations

from claif_cla.gateway.seen.answer import answer_headers
from claif_cla.gateway.seen.seen import Seen

__all__ = ["Seen", "answer_headers"]
