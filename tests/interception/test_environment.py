"""What a program's environment gets: nothing leads past the caught hosts, and what the user had set stays."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from optilocal.interception.environment import OLDER_NODE, Addresses, environment
from optilocal.interception.hosts import HOSTS, InterceptionError, Policy, Upstream
from optilocal.interception.outer import OuterProxies, is_among
from optilocal.interception.trust import TrustFiles

ADDRESSES = Addresses("http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3", "127.0.0.1:4")
TRUST = TrustFiles(Path("/t/bundle.pem"), Path("/t/truststore.p12"), Path("/t/extra.pem"))


def test_every_variable_of_the_contract_is_set() -> None:
    found = environment(ADDRESSES, TRUST, "spki=", {})
    proxy = {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "OPTILOCAL_PROXY"}
    bundle = {"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"}
    extra = {"NODE_EXTRA_CA_CERTS", "DENO_CERT", "OPTILOCAL_CA"}
    assert {found[name] for name in proxy} == {"http://127.0.0.1:3"}
    assert {found[name] for name in bundle} == {"/t/bundle.pem"}
    assert {found[name] for name in extra} == {"/t/extra.pem"}
    assert found["NODE_USE_ENV_PROXY"] == "1"
    assert found["NO_PROXY"] == found["no_proxy"] == "localhost,127.0.0.1,::1"
    assert (found["OPTILOCAL_EMULATOR"], found["OPTILOCAL_FORWARDER"]) == (
        ADDRESSES.emulator,
        ADDRESSES.forwarder,
    )
    assert set(found["OPTILOCAL_HOSTS"].split(",")) == set(HOSTS)


def test_java_and_node_read_their_options_whatever_the_paths_are() -> None:
    spaced = TrustFiles(TRUST.bundle, Path("/my files/it's/truststore.p12"), TRUST.extra)
    found = environment(
        ADDRESSES, spaced, "", {"JAVA_TOOL_OPTIONS": "-Xmx1g", "NODE_OPTIONS": "--no-warnings"}
    )
    java = shlex.split(found["JAVA_TOOL_OPTIONS"])
    assert java[0] == "-Xmx1g"
    assert "-Djavax.net.ssl.trustStore=/my files/it's/truststore.p12" in java
    assert {"-Dhttps.proxyHost=127.0.0.1", "-Dhttps.proxyPort=3", "-Dhttp.proxyPort=3"} <= set(java)
    assert "-Dhttp.nonProxyHosts=localhost|127.*|[::1]" in java
    assert shlex.split(found["NODE_OPTIONS"]) == ["--no-warnings", "--require", str(OLDER_NODE)]
    assert OLDER_NODE.is_file()


def test_what_was_reached_directly_stays_so_unless_it_leads_past_us() -> None:
    before = {"NO_PROXY": "intranet.example, 10.0.0.0/8,*,.optimizely.com,segment.io,logx.optimizely.com"}
    assert (
        environment(ADDRESSES, TRUST, "", before)["NO_PROXY"]
        == "localhost,127.0.0.1,::1,intranet.example,10.0.0.0/8"
    )
    assert environment(ADDRESSES, TRUST, "", before, only=True)["NO_PROXY"] == "localhost,127.0.0.1,::1"
    remote = Addresses("http://sandbox:8410", "http://sandbox:8411", ADDRESSES.proxy, ADDRESSES.tls)
    assert environment(remote, TRUST, "", {}, only=True)["no_proxy"] == "localhost,127.0.0.1,::1,sandbox"


@pytest.mark.parametrize(
    ("host", "entries", "among"),
    [
        ("a.example.com", "example.com", True),
        ("a.example.com", ".example.com", True),
        ("a.example.com", "*.example.com", True),
        ("example.com", "example.com", True),
        ("notexample.com", "example.com", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8,", False),
        ("anything", "*", True),
        ("anything", "", False),
    ],
)
def test_no_proxy_means_what_it_means_elsewhere(host: str, entries: str, among: bool) -> None:
    assert is_among(host, entries) is among


def test_the_proxy_of_this_machine_is_read_from_its_environment() -> None:
    proxies = OuterProxies.of(
        {"https_proxy": "http://ann:s%20t@proxy.example:3128", "HTTP_PROXY": "plain.example:80"}
    )
    secure, plain = proxies.towards("https", "a.example"), proxies.towards("http", "a.example")
    assert secure is not None and plain is not None
    assert (secure.host, secure.port, secure.tls) == ("proxy.example", 3128, False)
    assert secure.authorization == b"Basic YW5uOnMgdA=="
    assert (plain.host, plain.port, plain.headers) == ("plain.example", 80, ())
    assert OuterProxies.of({}).towards("https", "a.example") is None
    for named in ("socks5://ann:secret@127.0.0.1:1080", "http://:80", "http://host:port"):
        with pytest.raises(InterceptionError, match=r"HTTPS_PROXY names .*only a proxy at") as told:
            OuterProxies.of({"HTTPS_PROXY": named})
        assert "secret" not in str(told.value)


def test_addresses_of_servers_and_hosts_that_may_be_reached() -> None:
    assert Upstream.at("http://127.0.0.1:8410/") == Upstream("127.0.0.1", 8410, False, "")
    assert Upstream.at("https://sandbox.example/below", "a") == Upstream(
        "sandbox.example", 443, True, "/below/ns/a"
    )
    with pytest.raises(ValueError, match="is not an http:// address"):
        Upstream.at("127.0.0.1:8410")
    only = Policy(only=True, allowed=("exact.example", "*.Below.example"))
    passed = ["localhost", "a.localhost", "127.0.0.1", "::1", "exact.example", "a.below.example"]
    assert [
        host for host in [*passed, "below.example", "example", "8.8.8.8"] if only.lets_pass(host)
    ] == passed
    assert Policy().lets_pass("anything.example")
