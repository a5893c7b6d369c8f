"""A session without a network, which answers a preview's requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from optilocal.forwarder.http.session import Answer


@dataclass(frozen=True)
class OfflineSession:
    """Answers each GET with the datafile's answer, and each other request with 204."""

    datafile: Answer

    def ask(
        self,
        method: str,
        url: str,  # noqa: ARG002
        body: bytes | None,  # noqa: ARG002
        headers: Mapping[str, str],  # noqa: ARG002
        timeout_s: float,  # noqa: ARG002
        *,
        public_only: bool = False,  # noqa: ARG002
    ) -> Answer:
        """The answer to a request, which is not sent."""
        return self.datafile if method == "GET" else Answer(204, "No Content", {}, b"", private=True)

    def close(self) -> None:
        """Nothing is held."""
