"""The certificates that a caught program must trust: the system's roots and the authority, as PEM and for Java."""

from __future__ import annotations

import re
import ssl
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    PKCS12Certificate,
    serialize_java_truststore,
)
from cryptography.utils import CryptographyDeprecationWarning

from optilocal.interception.authority import write_file
from optilocal.interception.hosts import InterceptionError

TRUST_STORE_PASSWORD = "changeit"
"""Java's default password of a trust store. It protects no secret: certificates are public."""
BUNDLE, TRUST_STORE, EXTRA = "bundle.pem", "truststore.p12", "extra.pem"
OWN_BUNDLES = (
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "AWS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "DENO_CERT",
)
"""Variables with which a user names more certificates, such as a company's proxy's; they stay trusted."""
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\r?\n.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TrustFiles:
    """The files in one folder. `bundle` has the system's roots and the authority, `trust_store` (PKCS12) the same for
    Java, `extra` the authority and the certificates of the user's variables, without the system's.
    """

    bundle: Path
    trust_store: Path
    extra: Path


def write_trust_files(folder: Path, authority: bytes, environment: Mapping[str, str]) -> TrustFiles:
    """Write the files into a folder. `authority` is its certificate, PEM. Raises InterceptionError."""
    own = [block for variable in OWN_BUNDLES for block in _blocks(environment.get(variable))]
    extra = list(dict.fromkeys([authority.strip(), *own]))
    everything = list(dict.fromkeys([*extra, *_system_roots()]))
    files = TrustFiles(folder / BUNDLE, folder / TRUST_STORE, folder / EXTRA)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_file(files.bundle, b"\n".join(everything) + b"\n", 0o644)
        write_file(files.extra, b"\n".join(extra) + b"\n", 0o644)
        write_file(files.trust_store, _java_trust_store(everything), 0o644)
    except OSError as error:
        raise InterceptionError(
            f"the trusted certificates cannot be written to {folder}: {error.strerror or error}"
        ) from None
    return files


def _system_roots() -> list[bytes]:
    """The roots that OpenSSL trusts on this system; certifi's where it has no file."""
    paths = ssl.get_default_verify_paths()
    # `cafile` may be the user's SSL_CERT_FILE, so OpenSSL's compiled-in path is used.
    for file in (
        paths.openssl_cafile,
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
    ):
        blocks = _blocks(file)
        if blocks:
            return blocks
    return _blocks(certifi.where())


def _blocks(file: str | None) -> list[bytes]:
    """The certificates of a PEM file; none if it cannot be read."""
    if not file:
        return []
    try:
        return [block.replace(b"\r", b"") for block in _PEM.findall(Path(file).read_bytes())]
    except OSError:
        return []


def _java_trust_store(blocks: list[bytes]) -> bytes:
    entries = []
    with warnings.catch_warnings():
        # Some old roots have a serial number that today's rules forbid; Java decides whether it accepts them.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        for number, block in enumerate(blocks):
            try:
                certificate = x509.load_pem_x509_certificate(block)
            except ValueError:
                continue
            entries.append(PKCS12Certificate(certificate, f"root-{number}".encode()))
        return serialize_java_truststore(entries, BestAvailableEncryption(TRUST_STORE_PASSWORD.encode()))
