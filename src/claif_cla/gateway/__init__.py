"""The gateway: `claif-cla serve` puts the flows of this package behind HTTP.

It holds no translation of its own: a request becomes a `Call`, its flow is driven over an
upstream of this package, and the answer is written as it comes. Around that stand the doors (who
may in), the limits (how much), the ledger (what it cost) and what lets it be seen.

Needs the extra `gateway`: `pip install 'claif_cla[gateway]'`.
"""
