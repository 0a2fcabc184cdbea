"""How much each key may use: rates, calls at once, and money; in this process, or in Redis."""

from claif_cla.gateway.limits.counters import Claim, Counters, Limits, Refused, Standing
from claif_cla.gateway.limits.in_process import InProcessCounters

__all__ = ["Claim", "Counters", "InProcessCounters", "Limits", "Refused", "Standing"]
