"""Source code scanned for track calls, in every language it knows, and a datafile fetched from a URL."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optilocal.scenarios.check.source_scan import scan
from optilocal.scenarios.check.source_tokens import LANGUAGES, tokenize
from optilocal.scenarios.cli import main
from optilocal.scenarios.language.datafiles import SHOP

CALLS = {
    "browser.js": 'window.analytics?.track("Order Completed", {revenue: 4999});',
    "shop.ts": "this.analytics\n  .track('Order Completed')",
    "hook.tsx": "const { track } = useAnalytics(); track(`Order Completed`, { plan })",
    "server.mjs": "analytics.track({ userId: user.id, event: 'Order Completed', properties: { event: 'inner' } })",
    "link.js": "analytics.trackLink(element, 'Order Completed', {})",
    "page.html": '<p>don\'t</p><!-- analytics.track("No") --><script>analytics.track("Order Completed")</script>',
    "page.vue": "<script>export default { m() { this.$analytics.track('Order Completed') } }</script>",
    "positional.py": 'analytics.track(user.id, "Order Completed", {"revenue": 4999})',
    "literal_user.py": "segment.analytics.track('user-1', 'Order Completed')",
    "keywords.py": 'analytics.track(user_id="u-1", event="Order Completed", properties={"event": "inner"})',
    "bare.py": 'track(user_id, "Order Completed")',
    "call.rb": "Analytics.track(user_id: 1, event: 'Order Completed', properties: { revenue: 4999 })",
    "no_parens.rb": 'Analytics.track user_id: 1,\n  event: "Order Completed"',
    "rockets.rb": "Analytics.track({ :user_id => 1, :event => 'Order Completed' })",
    "struct.go": 'client.Enqueue(analytics.Track{UserId: "u-1", Event: "Order Completed"})',
    "builder.java": 'analytics.enqueue(TrackMessage.builder("Order Completed").userId("u-1"));',
    "android.java": 'Analytics.with(context).track("Order Completed", new Properties().putValue("revenue", 4999));',
    "android.kt": 'analytics.track("Order Completed", buildJsonObject { put("revenue", 4999) })',
    "shared.swift": 'Analytics.shared().track("Order Completed", properties: ["revenue": 4999])',
    "named.swift": 'analytics?.track(name: "Order Completed", properties: nil)',
    "message.m": '[[SEGAnalytics sharedAnalytics] track:@"Order Completed" properties:@{}];',
    "brackets.php": '<?php Segment::track(["userId" => "u-1", "event" => "Order Completed"]);',
    "array.php": '<?php Analytics::track(array("userId" => $id, "event" => \'Order Completed\'));',
    "client.cs": 'Analytics.Client.Track(userId, "Order Completed", new Properties { {"revenue", 4999} });',
    "shared.cs": 'analytics.Track("Order Completed");',
}


def _scan(folder: Path, files: dict[str, str], *wrappers: str) -> list[tuple[str, str]]:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return [(str(tracked.place), tracked.name) for tracked in scan(folder, "src", wrappers).tracked]


@pytest.mark.parametrize("name", CALLS)
def test_a_track_call_in_each_language(tmp_path: Path, name: str) -> None:
    ((place, event),) = _scan(tmp_path, {name: "\n\n" + CALLS[name]})
    assert event == "Order Completed"
    assert place.startswith(f"src/{name}:")
    assert place.rpartition(":")[2] in ("3", "4")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.js", '// analytics.track("No")\n/* analytics.track("No") */'),
        ("a.js", 'mixpanel.track("No"); audio.track("No"); optimizelyClient.track("No", user)'),
        ("a.js", "function track(event, props) { send(event) }"),
        ("a.ts", "class A { track(event: string, props = {}) { return 1 } }"),
        (
            "a.py",
            '# analytics.track("u", "No")\n"""analytics.track("u", "No")"""\ndef track(user, event="No"): ...',
        ),
        ("a.rb", "# Analytics.track(event: 'No')"),
        ("a.php", "<?php # Analytics::track(['event' => 'No']);"),
        ("node_modules/x/a.js", 'analytics.track("No")'),
        (".hidden/a.js", 'analytics.track("No")'),
        ("a.min.js", 'analytics.track("No")'),
    ],
)
def test_what_is_no_track_call_of_ones_own(tmp_path: Path, name: str, text: str) -> None:
    assert _scan(tmp_path, {name: text, "kept.js": ""}) == []


def test_names_in_constants_are_looked_up_wherever_they_stand(tmp_path: Path) -> None:
    files = {
        "names.js": "export const ORDER = 'Order Completed'; export const Names = { SIGNED_UP: 'Signed Up' }",
        "use.js": "analytics.track(ORDER)\nanalytics.track(Names.SIGNED_UP, {})",
        "names.py": 'ADDED = "Product Added"\n',
        "use.py": "analytics.track(user_id, names.ADDED, {})",
        "Names.kt": 'enum class Name(val text: String) { VIEWED("Product Viewed"), }\nanalytics.track(Name.VIEWED)',
    }
    assert sorted(name for _, name in _scan(tmp_path, files)) == [
        "Order Completed",
        "Product Added",
        "Product Viewed",
        "Signed Up",
    ]


def test_a_constant_with_two_values_is_taken_from_its_own_file_or_not_at_all(tmp_path: Path) -> None:
    files = {
        "a.js": 'const NAME = "A"; analytics.track(NAME)',
        "b.js": 'const NAME = "B"',
        "c.js": "analytics.track(NAME)",
    }
    assert _scan(tmp_path, files) == [("src/a.js:1", "A")]
    assert [str(place) for place, _ in scan(tmp_path, "src").unclear] == ["src/c.js:1"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.js", "analytics.track(`Viewed ${page}`)"),
        ("a.py", 'analytics.track(user_id, f"Viewed {page}")'),
        ("a.rb", 'Analytics.track(user_id: 1, event: "Viewed #{page}")'),
        ("a.kt", 'analytics.track("Viewed $page")'),
        ("a.swift", 'analytics.track(name: "Viewed \\(page)")'),
        ("a.php", '<?php Segment::track(["userId" => 1, "event" => "Viewed $page"]);'),
        ("a.cs", 'analytics.Track($"Viewed {page}");'),
        ("a.ts", "analytics.track(name, props); const other = { name: 'No' }"),
        ("a.ts", "analytics.track(eventName, props); const other = { eventName: 'No' }"),
    ],
)
def test_a_name_put_together_at_run_time_is_told_as_unchecked(tmp_path: Path, name: str, text: str) -> None:
    assert _scan(tmp_path, {name: text}) == []
    assert [str(place) for place, _ in scan(tmp_path, "src").unclear] == [f"src/{name}:1"]


def test_calls_of_a_function_of_ones_own_are_read_when_it_is_named(tmp_path: Path) -> None:
    files = {"a.ts": 'logEvent("Order Completed"); other.logEvent("Signed Up")'}
    assert _scan(tmp_path, files) == []
    assert [name for _, name in _scan(tmp_path, files, "logEvent")] == ["Order Completed", "Signed Up"]


def _check(tmp_path: Path, datafile: str, events: Path) -> tuple[int, list[dict[str, Any]]]:
    report = tmp_path / "report.json"
    code = main(["check", "--datafile", datafile, "--events", str(events), "--json", str(report)])
    return code, json.loads(report.read_text(encoding="utf-8"))["findings"] if report.exists() else []


def test_what_the_code_writes_out_is_judged_too(tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    (source / "a.js").write_text(
        'analytics.track("Order Completed", {revenue: 19.99})\n'
        'analytics.track({event: "Product Added"})\n'
        'analytics.track("order completed")\n'
        "analytics.track({...base, event: 'Signed Up'})\n",
        encoding="utf-8",
    )
    code, findings = _check(tmp_path, str(SHOP), source)
    assert code == 1
    lost = {(one["code"], one["places"][0]["line"]) for one in findings if one["severity"] == "never_counts"}
    assert lost == {("invalid_payload", 1), ("invalid_payload", 2), ("unmatched_event_key", 3)}


@given(st.text(max_size=200), st.sampled_from(sorted(LANGUAGES)))
def test_no_text_breaks_the_reading(text: str, ending: str) -> None:
    for token in tokenize("analytics.track(" + text, LANGUAGES[ending]):
        assert token.text


@contextmanager
def _serving(status: int, content_type: str, body: bytes) -> Iterator[str]:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/datafiles/shop.json"
        finally:
            server.shutdown()
            thread.join()


def test_the_datafile_is_fetched_from_a_url(tmp_path: Path) -> None:
    events = tmp_path / "events.txt"
    events.write_text("Order Completed\n", encoding="utf-8")
    with _serving(200, "application/json", SHOP.read_bytes()) as url:
        assert _check(tmp_path, url, events)[0] == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((403, "application/xml", b"<Error/>"), "answered with 403"),
        ((200, "text/plain", SHOP.read_bytes()), "only application/json is parsed"),
        ((200, "text/javascript", b"// This Optimizely project has been deactivated."), "deactivated"),
        ((200, "application/json", b""), "empty"),
    ],
)
def test_a_url_that_gives_segment_no_datafile_is_one_line_and_2(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    answer: tuple[int, str, bytes],
    reason: str,
) -> None:
    with _serving(*answer) as url:
        assert main(["check", "--datafile", url, "--events", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1
