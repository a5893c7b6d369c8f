"""This user's certificate authority: created once, kept in the state folder, valid for the caught hosts alone."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import ipaddress
import os
import ssl
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from optilocal.interception.hosts import HOSTS, InterceptionError

CERTIFICATE, KEY = "ca.pem", "ca-key.pem"
LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=397)
"""Below the limit of Chromium and Apple's programs, 398 days: https://support.apple.com/en-us/102028."""
_LEEWAY = timedelta(days=1)
"""Certificates are valid from a day earlier, for clocks that are slow."""


def state_folder() -> Path:
    """The folder of files that outlive a run: `$XDG_STATE_HOME/optilocal`, else `~/.local/state/optilocal`."""
    named = os.environ.get("XDG_STATE_HOME", "")
    return (Path(named) if named else Path.home() / ".local" / "state") / "optilocal"


class Authority:
    """A certificate authority: its certificate, and TLS contexts for the caught hosts."""

    def __init__(self, certificate: bytes, key: bytes, folder: Path, now: datetime) -> None:
        self.certificate = certificate
        """The certificate, PEM."""
        self.certificate_file, self.key_file = folder / CERTIFICATE, folder / KEY
        """The files with the certificate, and with the private key, which this user alone can read."""
        self._now = now
        self._parsed = x509.load_pem_x509_certificate(certificate)
        self._issuer = trustme.CA.from_pem(certificate, key)

    @classmethod
    def of_this_user(cls, now_ms: int, folder: Path | None = None) -> Authority:
        """The authority in `folder` (default: the state folder), created if there is none or it is no longer valid.

        `now_ms` is the time, epoch milliseconds. Raises InterceptionError.
        """
        where = folder or state_folder()
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        try:
            where.mkdir(parents=True, exist_ok=True)
            pair = _read(where / KEY, now)
            if pair is None:
                certificate, key = _create(now)
                write_file(where / KEY, key + certificate, 0o600)
                pair = _read(where / KEY, now) or (certificate, key)
            if os.name == "posix":
                (where / KEY).chmod(0o600)
            certificate, key = pair
            public = where / CERTIFICATE
            if not public.exists() or public.read_bytes() != certificate:
                write_file(public, certificate, 0o644)
        except OSError as error:
            raise InterceptionError(
                f"the certificate authority cannot be kept in {where}: {error.strerror or error}; "
                "name another folder with XDG_STATE_HOME"
            ) from None
        return cls(certificate, key, where, now)

    @property
    def valid_until(self) -> datetime:
        """When the certificate expires."""
        return self._parsed.not_valid_after_utc

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as browsers and `openssl x509 -fingerprint` show it."""
        return self._parsed.fingerprint(hashes.SHA256()).hex(":").upper()

    @property
    def spki(self) -> str:
        """SHA-256 of the public key, base64: what Chromium's --ignore-certificate-errors-spki-list takes."""
        public = self._parsed.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(public).digest()).decode()

    def context(self, host: str) -> ssl.SSLContext:
        """The TLS context that answers as `host`, with HTTP/1.1 alone, so that no client speaks HTTP/2."""
        leaf = self._issuer.issue_cert(
            host,
            common_name=host,
            organization_name="optilocal",
            not_before=self._now - _LEEWAY,
            not_after=min(self._now - _LEEWAY + LEAF_LIFE, self.valid_until),
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        # The chain includes the authority, since Chromium looks for its key there.
        chain = leaf.private_key_and_cert_chain_pem.bytes() + self.certificate
        with _private_file(chain) as file:
            context.load_cert_chain(file)
        return context


def _create(now: datetime) -> tuple[bytes, bytes]:
    """A new authority: certificate and private key, PEM. Its name constraints limit it to `HOSTS`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "optilocal"),
            x509.NameAttribute(NameOID.COMMON_NAME, "optilocal, for local tests"),
        ]
    )
    nowhere = [x509.IPAddress(ipaddress.ip_network(every)) for every in ("0.0.0.0/0", "::/0")]
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LEEWAY)
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.NameConstraints(_permitted(), nowhere), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), private


def _permitted() -> list[x509.GeneralName]:
    return [x509.DNSName(host) for host in HOSTS]


def _read(file: Path, now: datetime) -> tuple[bytes, bytes] | None:
    """Certificate and key from a file with both; None if there is no file, it expires soon, or it is for other hosts."""
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(text)
        key = load_pem_private_key(text, password=None)
        permitted = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except (ValueError, x509.ExtensionNotFound) as error:
        raise InterceptionError(
            f"{file} is not a certificate authority of optilocal ({error}); remove it, and a new one is made"
        ) from None
    if certificate.not_valid_after_utc - now < LEAF_LIFE or permitted.permitted_subtrees != _permitted():
        file.unlink()
        return None
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), private


def write_file(file: Path, content: bytes, mode: int) -> None:
    """Write a file atomically. A private file that another process has created meanwhile stays as it is."""
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
        Path(temporary).chmod(mode)
        if not (mode == 0o600 and _linked(Path(temporary), file)):
            Path(temporary).replace(file)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()


def _linked(temporary: Path, file: Path) -> bool:
    """Link `file` to a temporary file unless it exists; False where the file system has no links."""
    try:
        file.hardlink_to(temporary)
    except FileExistsError:
        return True
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _private_file(content: bytes) -> Iterator[str]:
    handle, name = tempfile.mkstemp(prefix="optilocal-")
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
        yield name
    finally:
        Path(name).unlink()
