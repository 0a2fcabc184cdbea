"""What the caller is told when upstream gave no answer, or not all of one.

    UpstreamFailure          502  upstream_failure
    ├── UpstreamUnreachable  502  upstream_unreachable   no answer began
    │   └── UpstreamBusy     503  gateway_busy           all connections are taken
    ├── UpstreamTimeout      504  upstream_timeout       nothing came in time
    └── UpstreamCut          502  upstream_cut           the answer broke off

None of them holds or chains an error of the HTTP library: those keep the request with its key.
"""

from __future__ import annotations

from claif_cla.gateway.denial import Denial

__all__ = [
    "UpstreamBusy",
    "UpstreamCut",
    "UpstreamFailure",
    "UpstreamTimeout",
    "UpstreamUnreachable",
]


class UpstreamFailure(Exception):  # noqa: N818 - not every failure is an error of somebody's
    """See the module.

    Args:
        message: what happened, for the caller: no key, no address, no name of an account.
        account: the name of the account it happened with, for logs; None before one was chosen.

    Attributes:
        status: HTTP status for the caller.
        code: for the caller's programs.
    """

    status = 502
    code = "upstream_failure"

    def __init__(self, message: str, account: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.account = account

    def as_denial(self) -> Denial:
        """What the caller is answered with."""
        kind = "timeout_error" if self.status == 504 else "server_error"
        return Denial(self.status, self.message, code=self.code, kind=kind)


class UpstreamUnreachable(UpstreamFailure):
    """No answer began: no connection, or it broke before the status."""

    code = "upstream_unreachable"


class UpstreamBusy(UpstreamUnreachable):
    """Every connection that the configuration allows was taken for too long."""

    status = 503
    code = "gateway_busy"


class UpstreamTimeout(UpstreamFailure):
    """What should have come did not come in time."""

    status = 504
    code = "upstream_timeout"


class UpstreamCut(UpstreamFailure):
    """The answer broke off in the middle of its body."""

    code = "upstream_cut"
