"""Visits and configurations for the tests of what is seen."""

from __future__ import annotations

from claif_cla.gateway.config import Config
from claif_cla.gateway.keys import Key
from claif_cla.gateway.visit import Usage, Visit

ACCOUNT_KEY = "operators-own-word-4711"
REDIS_PASSWORD = "tr0ub4dor"
MODEL = "claude-sonnet-4-6"


def config_of(**sections):
    return Config.model_validate(sections)


def secretive(**sections):
    """A configuration that holds secrets of which none looks like one."""
    return config_of(
        accounts=({"name": "eu", "api_key": ACCOUNT_KEY},),
        cluster={"redis_url": f"redis://:{REDIS_PASSWORD}@127.0.0.1:6379/0"},
        **sections,
    )


def visit_of(**facts):
    """A request that went well, but for what is given."""
    told = {
        "method": "POST",
        "path": "/v1/chat/completions",
        "endpoint": "chat",
        "client": "127.0.0.1",
        "began": 1_795_000_000.25,
        "started_at": 100.0,
        "key": Key("key_abcdefabcdef", "team a", 0.0),
        "asked_model": "sonnet",
        "model": MODEL,
        "status": 200,
        "account": "default",
        "attempts": 1,
        "upstream_seconds": 0.3,
        "first_byte_at": 100.35,
        "ended_at": 100.5,
        "cost": 1_250,
        "usages": {
            0: Usage(
                MODEL,
                {
                    "input_tokens": 10,
                    "output_tokens": 20,
                    "cache_read_input_tokens": 5,
                    "cache_creation_input_tokens": 7,
                },
                complete=True,
            )
        },
    }
    return Visit("req_0123456789abcdef01234567", **{**told, **facts})
