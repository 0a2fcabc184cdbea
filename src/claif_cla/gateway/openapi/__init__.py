"""`/openapi.json`: what is served, from the table of endpoints.

A test sends what this describes, and what it does not, and compares the answers with it.
"""

from __future__ import annotations

from claif_cla.gateway.openapi.description import HEADERS, document

__all__ = ["HEADERS", "document"]
