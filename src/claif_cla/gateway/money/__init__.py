"""What requests cost: prices, the bill of what was used, the estimate of what will be.

| module | what it does |
|---|---|
| `prices` | `Prices`: the cost of one upstream reply, from the catalogue or the configuration |
| `rates` | a model's price list as whole numbers, with the kinds that the list leaves out |
| `estimate` | what a request will take, and what a reply that was left has probably taken |
| `bill` | the sum over all replies to one request |

Money is counted in micro-USD: whole millionths of a US dollar.
"""

from __future__ import annotations

from claif_cla.gateway.money.bill import Bill, bill
from claif_cla.gateway.money.estimate import Demand, demand
from claif_cla.gateway.money.prices import Prices

__all__ = ["Bill", "Demand", "Prices", "bill", "demand"]
