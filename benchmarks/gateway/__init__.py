"""The gateway beside a floor, LiteLLM's proxy and Portkey's gateway, in one run.

    python -m benchmarks.gateway --quick

The floor is a bare ASGI application on the same server and client libraries that passes bytes
through: what the gateway adds is its own work.
"""
