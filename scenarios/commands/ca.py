"""`optilocal ca`: what a program has to trust so that the real hosts can be caught."""

import click

from optilocal.scenarios.commands.options import Command


@click.command("ca", cls=Command)
def command() -> int:
    """Print where the interception's certificate authority is, and its fingerprint. There is one of each user; it is made
    when there is none, is good for the caught hosts alone, and is installed nowhere.

    \b
    Examples:
      optilocal ca
      curl --cacert ~/.local/state/optilocal/ca.pem --connect-to ::127.0.0.1:8443 https://cdn.optimizely.com/…
    """
    from optilocal.interception.hosts import HOSTS  # noqa: PLC0415 - `--help` needs no certificates
    from optilocal.interception.trust import TRUST_STORE_PASSWORD  # noqa: PLC0415
    from optilocal.scenarios.sandbox.named_hosts import authority  # noqa: PLC0415

    own, trust = authority()
    rows = {
        "certificate": own.certificate_file,
        "SHA-256": own.fingerprint,
        "SPKI": f"{own.spki}  (Chromium's --ignore-certificate-errors-spki-list)",
        "valid until": f"{own.valid_until:%Y-%m-%d}",
        "only for": ", ".join(HOSTS),
        "private key": f"{own.key_file}  (readable by you alone)",
        "bundle": f"{trust.bundle}  (the system's roots and it)",
        "Java": f"{trust.trust_store}  (PKCS12, password {TRUST_STORE_PASSWORD})",
    }
    for name, value in rows.items():
        click.echo(f"{name:<12} {value}")
    return 0
