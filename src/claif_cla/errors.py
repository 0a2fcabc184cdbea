"""The exceptions and the warning of this package.

```
Exception
├── Refusal                 asks for what Claude cannot do: a 400 in OpenAI's shape
│   └── Unsendable          brings a file that Claude does not take
├── UpstreamFault           the upstream answered something that is no Messages API answer
│   ├── TruncatedStream     the connection ended before `message_stop`
│   ├── MalformedAnswer     a body or an event that cannot be read (no JSON, wrong shape)
│   └── OversizedAnswer     a body or an event beyond our bounds
└── UserWarning
    └── AdaptationWarning   honoured in another form, or left out because it only tunes
```

None of them reaches a caller of the client but `AdaptationWarning`: the flow turns a
`Refusal` into a 400 answer, from which the openai SDK raises `openai.BadRequestError`, and
the transport turns an `UpstreamFault` into `openai.APIError` or one of its subclasses.
"""

from __future__ import annotations

__all__ = [
    "AdaptationWarning",
    "MalformedAnswer",
    "OversizedAnswer",
    "Refusal",
    "TruncatedStream",
    "Unsendable",
    "UpstreamFault",
]


class AdaptationWarning(UserWarning):
    """A parameter was adapted for Claude; issued once per client and parameter.

    The same facts, for each call, are in `response.adaptations` and in the response header
    `x-claif-adapted`. Silence it with `warnings.simplefilter("ignore", AdaptationWarning)`,
    or ask for a refusal instead with `compat="strict"`.
    """


class Refusal(Exception):
    """A request that is not sent, because it cannot be honoured.

    Args:
        message: what is wrong, where, and what to do.
        param: the OpenAI name of the parameter, with its path: `messages[2].content[0]`.
        code: OpenAI's error code, such as `unsupported_parameter` or `invalid_value`.
        status: the HTTP status of the answer; 400 unless told.
    """

    def __init__(
        self,
        message: str,
        *,
        param: str | None,
        code: str = "unsupported_value",
        status: int = 400,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code
        self.status = status


class Unsendable(Refusal):
    """A sound file of a kind or size that Claude does not take; a request can do without it."""


class UpstreamFault(Exception):
    """The upstream broke the Messages protocol after it had accepted the request.

    Args:
        message: what was expected and what came.
    """

    code = "upstream_fault"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class TruncatedStream(UpstreamFault):
    """The answer ended before `message_stop`; what came so far is not an answer."""

    code = "stream_truncated"


class MalformedAnswer(UpstreamFault):
    """The answer, or an event of it, is not what the Messages API sends."""

    code = "malformed_answer"


class OversizedAnswer(UpstreamFault):
    """The answer, or one event of it, is larger than we are willing to hold."""

    code = "oversized_answer"
