"""Programs that name no address but the real ones, run as they are: each is judged event by event, and nothing leaves."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from node_packages import NotHere, install, node_with
from unmodified_place import PROGRAMS, Place

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "start.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def newer_node() -> str:
    """A Node.js that heeds the proxy by itself: the npm package `node-<system>-<processor>` is one."""
    try:
        install(PROGRAMS)
    except NotHere as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(f"no newer Node.js: {error}")
    found = list(PROGRAMS.glob("node_modules/node-*/bin/node"))
    if not found:
        pytest.skip("npm has no such Node.js for this system and processor")
    return str(found[0])


@pytest.fixture(scope="module")
def java() -> str:
    found = shutil.which("java") if shutil.which("javac") else None
    if found is None:
        reason = "there is no JDK on this machine (Debian: default-jdk-headless)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(params=["older", "newer"])
def any_node(request: pytest.FixtureRequest) -> str:
    """The system's Node.js with the SDKs installed, and a newer one beside them."""
    system = node_with(HERE, "a test of the JavaScript libraries")
    return system if request.param == "older" else str(request.getfixturevalue("newer_node"))


def test_optimizelys_and_segments_python_libraries(place: Place) -> None:
    variation = place.run(sys.executable, "python_sdk.py").strip()
    place.run(sys.executable, "segment_python.py")
    product, order = (
        place.verdict(event_key="Product Added"),
        place.verdict(message_id="order-of-ada", outcome="counted"),
    )
    assert (product["outcome"], product["delivery"]) == ("counted", None)
    assert order["attributed_to"][0]["variation"] == variation
    assert order["delivery"]["source_event"]["context"]["library"]["name"] == "analytics-python"
    caught = place.interception.tally.caught
    assert caught["cdn.optimizely.com"] >= 1
    assert caught["logx.optimizely.com"] >= 1 and caught["api.segment.io"] == 1


@pytest.mark.node
def test_optimizelys_and_segments_node_libraries(place: Place, any_node: str) -> None:
    version, variation = place.run(any_node, "javascript_sdk.mjs").split()
    place.run(any_node, "segment_node.mjs")
    assert place.verdict(event_key="Product Added")["outcome"] == "counted"
    order = place.verdict(message_id="order-of-grace", outcome="counted")
    assert order["attributed_to"][0]["variation"] == variation, version
    library = order["delivery"]["source_event"]["context"]["library"]
    assert library["name"] == "@segment/analytics-node"


@pytest.mark.node
def test_only_holds_for_any_node(place: Place, any_node: str) -> None:
    program = "await fetch('https://example.com/').then(() => process.exit(3), () => console.log('refused'))"
    environment = {**os.environ, **place.interception.environment}
    command = [any_node, "--input-type=module", "--eval", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "refused\n")
    assert dict(place.interception.tally.refused) == {"example.com": 1}


def test_a_java_program_with_the_jdks_own_client(place: Place, java: str) -> None:
    shown = place.run(java, "Purchase.java")
    assert shown.split("\n", 1)[0] == "200" and '{"success":true}' in shown
    order = place.verdict(message_id="order-of-james", outcome="user_not_activated")
    assert order["visitor_id"] == "james"


def blocks(language: str) -> list[str]:
    """The code of one language on docs/start.md, in its order."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_pages_shell_lines(place: Place, tmp_path: Path) -> None:
    (script,) = blocks("sh")
    (tmp_path / "purchase.sh").write_text(
        script.replace("/_emulator", f"/ns/{place.emulator.namespace}/_emulator")
    )
    shown = place.run("sh", "purchase.sh", cwd=tmp_path)
    assert '"user_not_activated"' in shown and '"order-of-u-1"' in shown


def test_the_pages_java_program(place: Place, java: str, tmp_path: Path) -> None:
    (program,) = blocks("java")
    (tmp_path / "Purchase.java").write_text(program, encoding="utf-8")
    assert place.run(java, "Purchase.java", cwd=tmp_path).strip() == '{"success":true}'
    assert place.verdict(visitor_id="james", outcome="user_not_activated", event_key="Order Completed")


@pytest.mark.node
def test_the_pages_node_test(place: Place, any_node: str, tmp_path: Path) -> None:
    (program,) = blocks("js")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "node_modules").symlink_to(HERE / "node_modules")
    namespaced = program.replace("/_emulator/", f"/ns/{place.emulator.namespace}/_emulator/")
    (folder / "purchase.test.mjs").write_text(namespaced, encoding="utf-8")
    assert re.search(r"^# pass 1$|ℹ pass 1$", place.run(any_node, "--test", cwd=folder), re.MULTILINE)
