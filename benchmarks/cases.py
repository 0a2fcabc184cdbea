"""What is measured by calling: how many messages, chunks and streams, and in which colour."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["CASES", "Case"]


@dataclass(frozen=True)
class Case:
    """One row.

    Attributes:
        name: what `--only` selects by its beginning.
        title: in the report.
        messages: how many are sent.
        image: whether the last one has a picture of 10 MB.
        chunks: how many deltas a stream has; 0 for an answer that is not streamed.
        streams: how many run at once.
        asynchronous: whether the asynchronous client is used.
    """

    name: str
    title: str
    messages: int = 1
    image: bool = False
    chunks: int = 0
    streams: int = 1
    asynchronous: bool = False

    @property
    def path(self) -> str:
        """Where the upstream answers it."""
        return f"/stream-{self.chunks}" if self.chunks else "/whole"


_WHOLE = (
    Case("small", "small request"),
    Case("messages20", "20 messages", messages=20),
    Case("messages200", "200 messages", messages=200),
    Case("messages2000", "2,000 messages", messages=2000),
    Case("image", "a 10 MB image", image=True),
    Case("stream1", "stream of 1 chunk", chunks=1),
    Case("stream300", "stream of 300 chunks", chunks=300),
    Case("stream30000", "stream of 30,000 chunks", chunks=30_000),
)
_AT_ONCE = tuple(
    Case(
        f"at-once{streams}",
        f"{streams:,} async stream{'s' * (streams > 1)} of 30 chunks at once",
        chunks=30,
        streams=streams,
        asynchronous=True,
    )
    for streams in (1, 100, 1000)
)


def _asynchronous(case: Case) -> Case:
    return replace(case, name=f"async-{case.name}", title=f"{case.title}, async", asynchronous=True)


CASES = {case.name: case for case in (*_WHOLE, *map(_asynchronous, _WHOLE), *_AT_ONCE)}
