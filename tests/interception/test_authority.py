"""The certificate authority: one of each user, good for the caught hosts alone, made once and renewed in time."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from catching import NOW_MS, is_private
from cryptography import x509

from optilocal.interception.authority import CERTIFICATE, KEY, LEAF_LIFE, Authority, state_folder
from optilocal.interception.hosts import HOSTS, InterceptionError
from optilocal.interception.trust import write_trust_files


def met(context: ssl.SSLContext, trusted: str, name: str) -> dict[str, object]:
    """What a client that trusts `trusted` finds out about a server with this context, asked for by name."""
    here, there = socket.socketpair()

    def serve() -> None:
        try:
            with context.wrap_socket(there, server_side=True) as secured:
                secured.recv(1)
        except OSError:
            there.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client = ssl.create_default_context(cafile=trusted)
        client.set_alpn_protocols(["h2", "http/1.1"])
        with client.wrap_socket(here, server_hostname=name) as secured:
            certificate = secured.getpeercert()
            return {"certificate": certificate, "protocol": secured.selected_alpn_protocol()}
    finally:
        here.close()
        thread.join()


def test_it_is_made_once_and_its_key_is_private(tmp_path: Path) -> None:
    first = Authority.of_this_user(NOW_MS, tmp_path / "new" / "folder")
    again = Authority.of_this_user(NOW_MS, tmp_path / "new" / "folder")
    assert (first.fingerprint, first.spki) == (again.fingerprint, again.spki)
    assert is_private(first.key_file)
    assert first.certificate_file.read_bytes() == first.certificate
    assert b"PRIVATE" not in first.certificate_file.read_bytes()
    assert sorted(path.name for path in first.key_file.parent.iterdir()) == [KEY, CERTIFICATE]


def test_a_key_that_others_may_read_is_made_private_again(tmp_path: Path) -> None:
    made = Authority.of_this_user(NOW_MS, tmp_path)
    made.key_file.chmod(0o644)
    Authority.of_this_user(NOW_MS, tmp_path)
    assert is_private(made.key_file)


def test_many_at_once_agree_on_one(tmp_path: Path) -> None:
    seen = []
    threads = [
        threading.Thread(target=lambda: seen.append(Authority.of_this_user(NOW_MS, tmp_path).fingerprint))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8 and len(set(seen)) == 1


def test_the_fingerprint_is_openssls(tmp_path: Path) -> None:
    made = Authority.of_this_user(NOW_MS, tmp_path)
    command = ["openssl", "x509", "-in", str(made.certificate_file), "-noout", "-fingerprint", "-sha256"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.strip().endswith(made.fingerprint)


@pytest.mark.parametrize("host", HOSTS)
def test_a_stock_client_that_trusts_it_accepts_each_host_and_speaks_http_1(tmp_path: Path, host: str) -> None:
    made = Authority.of_this_user(NOW_MS, tmp_path)
    found = met(made.context(host), str(made.certificate_file), host)
    assert found["protocol"] == "http/1.1"
    certificate = found["certificate"]
    assert isinstance(certificate, dict) and certificate["subjectAltName"] == (("DNS", host),)
    begins, ends = (ssl.cert_time_to_seconds(certificate[name]) for name in ("notBefore", "notAfter"))
    assert begins <= NOW_MS / 1000 < ends
    assert ends - begins <= timedelta(days=397).total_seconds()


def test_it_is_good_for_no_other_host(tmp_path: Path) -> None:
    made = Authority.of_this_user(NOW_MS, tmp_path)
    for name in ("example.com", "app.optimizely.com", "segment.com", "127.0.0.1"):
        with pytest.raises(ssl.SSLCertVerificationError, match=r"permitted subtree|excluded subtree"):
            met(made.context(name), str(made.certificate_file), name)


def test_it_is_made_anew_when_it_ends_soon_or_fits_other_hosts(tmp_path: Path) -> None:
    made = Authority.of_this_user(NOW_MS, tmp_path)
    late = int((made.valid_until - LEAF_LIFE + timedelta(days=1)).timestamp() * 1000)
    renewed = Authority.of_this_user(late, tmp_path)
    assert renewed.fingerprint != made.fingerprint and renewed.valid_until > made.valid_until
    assert Authority.of_this_user(late, tmp_path).fingerprint == renewed.fingerprint
    assert x509.load_pem_x509_certificate(
        renewed.certificate_file.read_bytes()
    ).not_valid_before_utc > datetime(2027, 1, 1, tzinfo=UTC)


def test_what_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / KEY).write_text("no certificate", encoding="utf-8")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    other = trustme.CA()
    (foreign / KEY).write_bytes(other.private_key_pem.bytes() + other.cert_pem.bytes())
    for folder, message in (
        (tmp_path / "file", r"cannot be kept in .*file: .*name another folder with XDG_STATE_HOME"),
        (broken, r"ca-key.pem is not a certificate authority of optilocal .*remove it"),
        (foreign, r"ca-key.pem is not a certificate authority of optilocal .*remove it"),
    ):
        with pytest.raises(InterceptionError, match=message) as told:
            Authority.of_this_user(NOW_MS, folder)
        assert "\n" not in str(told.value)


def test_it_is_kept_in_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert Authority.of_this_user(NOW_MS).key_file == tmp_path / "optilocal" / KEY
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_folder() == tmp_path / ".local" / "state" / "optilocal"


def test_the_bundle_has_the_systems_roots_and_what_the_user_trusts_besides(tmp_path: Path) -> None:
    made = Authority.of_this_user(NOW_MS, tmp_path)
    company = tmp_path / "company.pem"
    company.write_bytes(trustme.CA().cert_pem.bytes())
    environment = {"REQUESTS_CA_BUNDLE": str(company), "NODE_EXTRA_CA_CERTS": str(tmp_path / "missing.pem")}
    files = write_trust_files(tmp_path / "trust", made.certificate, environment)
    bundle, extra = files.bundle.read_text("ascii"), files.extra.read_text("ascii")
    ours, companys = made.certificate.decode().strip(), company.read_text("ascii").strip()
    assert extra.split("\n\n") and ours in extra and companys in extra and extra.count("BEGIN") == 2
    assert ours in bundle and companys in bundle and bundle.count("BEGIN") > 50
    assert len(ssl.create_default_context(cafile=str(files.bundle)).get_ca_certs()) > 50
    assert sorted(path.name for path in (tmp_path / "trust").iterdir()) == [
        "bundle.pem", "extra.pem", "truststore.p12",
    ]  # fmt: skip
