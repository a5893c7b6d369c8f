"""Hashes properties: `hashPropertiesConfiguration` of the Public API's transformations.

The API has the algorithm, an optional key and the encodings BASE16, BASE64, BASE64URL and HEX. No page says the rest,
so it is assumed: the algorithms are MD5, SHA1, SHA256 and SHA512; a key makes it an HMAC; a string is hashed as it is,
any other value as JSON; the default encoding is HEX.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from optilocal.forwarder.fql.paths import changed_at, split_path
from optilocal.forwarder.javascript.json import to_json
from optilocal.forwarder.stages.shape import Shape
from optilocal.forwarder.stages.stage import Event

ALGORITHMS: Final = ("MD5", "SHA1", "SHA256", "SHA512")
_ENCODINGS: Final[Mapping[str, Callable[[bytes], str]]] = {
    "BASE16": lambda digest: digest.hex().upper(),
    "BASE64": lambda digest: base64.b64encode(digest).decode(),
    "BASE64URL": lambda digest: base64.urlsafe_b64encode(digest).decode(),
    "HEX": bytes.hex,
}


@dataclass(frozen=True)
class PropertyHash:
    """The paths of the values to hash, and how to hash them."""

    algorithm: str
    paths: tuple[str, ...]
    key: str | None = None
    encoding: str = "HEX"

    def applied(self, event: Event) -> Event:
        """A copy of the event with hashes in place of the values at the paths."""
        for path in self.paths:
            event = changed_at(event, split_path(path), self._hashed)
        return event

    def _hashed(self, value: Any) -> Any:
        if value is None:
            return None
        data = (value if isinstance(value, str) else to_json(value)).encode("utf-8", "surrogatepass")
        if self.key is None:
            digest = hashlib.new(self.algorithm.lower(), data, usedforsecurity=False).digest()
        else:
            digest = hmac.new(self.key.encode(), data, self.algorithm.lower()).digest()
        return _ENCODINGS[self.encoding](digest)


def read_hash(transformation: Shape) -> PropertyHash | None:
    """The hash of a transformation, None where it has none; violations are added to the transformation's."""
    name = "hashPropertiesConfiguration"
    if transformation.value.get(name) is None:
        return None
    shape = transformation.inside(name, transformation.value[name])
    shape.only(("algorithm", "key", "encoding", "paths"))
    written = shape.text("algorithm", required=True) or "SHA256"
    algorithm = written.upper().replace("-", "").replace("_", "")
    if algorithm not in ALGORITHMS:
        shape.refuse("algorithm", f'"algorithm" must be one of [{", ".join(ALGORITHMS)}]')
        algorithm = "SHA256"
    return PropertyHash(
        algorithm,
        shape.texts("paths", required=True),
        shape.text("key") or None,
        shape.one_of("encoding", tuple(_ENCODINGS)) or "HEX",
    )
