"""The real hosts on a port of this machine, for what honours no proxy: `optilocal up --tls`."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from optilocal.forwarder.clock import SystemClock
from optilocal.interception.authority import Authority
from optilocal.interception.hosts import EMULATOR, FORWARDER, InterceptionError, Upstream
from optilocal.interception.proxy import Proxy, ProxyOptions
from optilocal.interception.trust import TrustFiles, write_trust_files
from optilocal.scenarios.language.problems import CannotRun
from optilocal.serving.printable import printable


def authority() -> tuple[Authority, TrustFiles]:
    """This user's certificate authority, and what a program is to trust, beside it. Raises CannotRun."""
    try:
        own = Authority.of_this_user(SystemClock().now_ms())
        return own, write_trust_files(own.certificate_file.parent, own.certificate, {})
    except InterceptionError as error:
        raise CannotRun(str(error)) from None


@contextmanager
def named_hosts(emulator_url: str, forwarder_url: str, host: str, port: int) -> Iterator[tuple[str, Path]]:
    """A listener that answers over TLS under the name that a client gives in its greeting: its `HOST:PORT`, and the
    certificates that a program is to trust, PEM. Raises CannotRun when it cannot listen.
    """
    own, trust = authority()
    upstreams = {EMULATOR: Upstream.at(emulator_url), FORWARDER: Upstream.at(forwarder_url)}
    options = ProxyOptions(host=host, proxy_port=None, tls_port=port)
    with ExitStack() as opened:
        try:
            proxy = opened.enter_context(Proxy(own, upstreams, options, _report))
        except InterceptionError as error:
            raise CannotRun(str(error)) from None
        yield f"{host}:{proxy.tls_port}", trust.bundle


def _report(line: str) -> None:
    sys.stderr.write(f"optilocal: {printable(line)}\n")
