"""The mistakes that authors of scenarios make: each is found before anything runs, by one line that lets the author mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from optilocal.scenarios.cli import main
from optilocal.scenarios.language.datafiles import SHOP

GOOD = """\
scenario: A purchase counts
steps:
  - activate: {user: u-1, experiment: checkout_test, variation: treatment}
  - track: {userId: u-1, event: Order Completed, properties: {revenue: 4999}}
expect:
  tracks: [{outcome: counted, attributed_to: [{experiment: checkout_test, variation: treatment}]}]
  results: {checkout_test: {treatment: {visitors: 1, Order Completed: {unique: 1}}}}
"""
ACTIVATE = "  - activate: {user: u-1, experiment: checkout_test, variation: treatment}\n"
TRACK = "  - track: {userId: u-1, event: Order Completed, properties: {revenue: 4999}}\n"


def changed(*pairs: str) -> str:
    """The good scenario with each first text replaced by the second."""
    text = GOOD
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def step(text: str) -> str:
    """The good scenario with one more step, in line 4."""
    return changed(TRACK, f"  - {text}\n{TRACK}")


def mapping(trigger: str) -> str:
    return f"{GOOD}mappings:\n  - trigger: '{trigger}'\n"


MISTAKES: dict[str, tuple[str, str, str]] = {
    "variation to be forced": (step("force: {experiment: checkout_test, variation: tratment}"), "4:51", "did you mean 'treatment'?"),
    "force without a variation": (step("force: {experiment: checkout_test}"), "4:12", "force needs 'variation'"),
    "check of health": (
        changed("  results: {checkout_test: {treatment: {visitors: 1, Order Completed: {unique: 1}}}}", "  health: {checkout_test: {crossver: {visitors: 1}}}"),
        "7:28",
        "did you mean 'crossover'?",
    ),
    # The YAML itself.
    "brace not closed": (changed("variation: treatment}\n", "variation: treatment\n"), "3:15", "the { that opens here is never closed"),
    "bracket not closed": (changed("treatment}]}]", "treatment}]}"), "6:11", "the [ that opens here is never closed"),
    "wrong bracket closes": (changed("tracks: [{outcome: counted", "tracks: [{outcome: [counted}"), "6:30", "} closes the [ of line 6, column 22, which needs ]"),
    "bracket too many": (changed("revenue: 4999}}", "revenue: 4999}}}"), "4:78", "nothing may follow here: the brackets are closed before it"),
    "comma missing": (changed("userId: u-1, event", "userId: u-1 event"), "4:30", "a comma is missing before this, or a }"),
    "tab": (changed("  - track", "\t- track"), "4:1", "there is a tab here; YAML is indented with spaces"),
    "colon in a value": (changed("A purchase counts", "A purchase: counts"), "1:21", "a value with a colon and a space in it is written in quotes"),
    "space after colon missing": (changed("scenario: A", "scenario:A"), "2:6", "'scenario:A purchase counts' in the line above is not a key"),
    "colon missing": (changed("expect:\n", "expect\n"), "5:1", "'expect' has no colon: a key is written `key: value`"),
    "indented differently": (changed("  - track", "   - track"), "4:4", "this item is indented more than those above it"),
    "key indented differently": (changed("  results:", " results:"), "7:2", "this line is indented like no line above it"),
    "quote not closed": (changed("A purchase counts", '"A purchase counts'), "1:11", 'the quote " that opens here is never closed'),
    "apostrophe in quotes": (changed("A purchase counts", "'It's counted'"), "1:15", "the quote is closed before this"),
    "backslash in double quotes": (changed("outcome: counted", 'message_id: !regex "^m\\d"'), "6:35", "in double quotes \\ begins an escape"),
    "at sign": (changed("event: Order Completed", "event: @order"), "4:33", "a value cannot begin with @; write it in quotes"),
    "placeholder without quotes": (changed("revenue: 4999", "revenue: ${cents}"), "4:72", 'written in quotes: "${cents}"'),
    "key twice": (changed("userId: u-1, event", "userId: u-1, userId: u-2, event"), "4:26", "the key 'userId' stands twice, first in line 4"),
    "unknown anchor": (changed("event: Order Completed", "event: *order"), "4:33", "no anchor has this name"),
    "list where a mapping is": (f"- {GOOD}".replace("\n", "\n  "), "1:1", "a scenario must be a mapping, not a list"),
    # Keys and kinds.
    "key of a scenario": (changed("expect:", "expects:"), "5:1", "unknown key 'expects' (did you mean 'expect'?)"),
    "no steps": ("scenario: A\nexpect: {tracks: []}\n", "1:1", "a scenario needs 'steps'"),
    "no expectation": (GOOD.partition("expect:")[0], "1:1", "a scenario needs 'expect'"),
    "empty name": (changed("A purchase counts", "''"), "1:11", "scenario needs a name"),
    "steps no list": (GOOD.replace("  - activate", "  activate").replace("  - track", "  track"), "2:1", "steps must be a list, not a mapping"),
    "two kinds in one step": (changed("  - track:", "    track:"), "3:5", "a step is one mapping with one key"),
    "kind of step": (step("trak: {event: A}"), "4:5", "unknown step 'trak' (did you mean 'track'?)"),
    "key of a step": (changed("properties:", "propertes:"), "4:50", "track: unknown key 'propertes' (did you mean 'properties'?)"),
    "needed key of a step": (changed("event: Order Completed, ", ""), "4:12", "track needs 'event'"),
    "number as user": (changed("user: u-1", "user: 17"), "3:22", "activate: user must be a text (quote it), not a number"),
    "attributes no mapping": (changed("variation: treatment}\n", "variation: treatment, attributes: gold}\n"), "3:88", "activate: attributes must be a mapping, not a text"),
    "duration": (step("wait: 5 minutes"), "4:11", "wait takes a time such as 5s, 300ms, 2m, 4h"),
    "forget takes nothing": (step("forget: {userId: u-1}"), "4:13", "forget takes nothing"),
    "surface of a fault": (step("fault: {on: event, status: 503}"), "4:17", "fault: on 'event' is unknown (did you mean 'events'?)"),
    "status of a fault": (step("fault: {on: events, status: '503'}"), "4:33", "fault: status must be a whole number, not a text"),
    "regulation": (step("delete: {userId: u-1, regulation: DELETE}"), "4:39", "regulation 'DELETE' is unknown (did you mean 'DELETE_ONLY'?)"),
    "two changes of a datafile": (step("datafile: {missing: true, deactivated: true}"), "4:15", "datafile takes one of: set, deactivated, raw, missing"),
    "decide option": (step("decide: {user: u-1, flag: checkout, options: [DISABLE_EVENT]}"), "4:51", "an option 'DISABLE_EVENT' is unknown (did you mean"),
    "matcher in a step": (changed("revenue: 4999", "revenue: !any"), "4:72", "!any is for expectations; write a value here"),
    "clock": (f"{GOOD}clock: tomorrow\n", "8:8", "clock takes an ISO 8601 time such as 2026-01-15T10:00:00Z"),
    "tags no list": (f"{GOOD}tags: smoke\n", "8:7", "tags must be a list, not a text"),
    "setting": (f"{GOOD}settings: {{acountId: '1'}}\n", "8:12", "settings: unknown key 'acountId' (did you mean 'accountId'?)"),
    # Rows.
    "placeholder without rows": (changed("revenue: 4999", 'revenue: "${cents}"'), "4:72", "there is no `rows`; add `rows: [{cents: …}]`"),
    "placeholder no row has": (changed("revenue: 4999", 'revenue: "${cents}"') + "rows: [{cent: 1}]\n", "4:72", "a row has no 'cents' (did you mean 'cent'?)"),
    "no row": (f"{GOOD}rows: []\n", "8:7", "rows is empty: nothing would run"),
    # Expectations.
    "part of expect": (changed("  results:", "  result:"), "7:3", "expect: unknown key 'result' (did you mean 'results'?)"),
    "nothing expected": (GOOD.partition("expect:")[0] + "expect: {}\n", "5:9", "expect is empty: it checks nothing"),
    "outcome": (changed("outcome: counted", "outcome: not_counted"), "6:22", "a track: outcome 'not_counted' is unknown (did you mean 'counted'?)"),
    "field of a verdict": (changed("outcome: counted", "outcom: counted"), "6:13", "a track: unknown key 'outcom' (did you mean 'outcome'?)"),
    "matcher's name": (changed("outcome: counted", "outcome: !regexp '^c'"), "6:22", "unknown matcher !regexp (did you mean '!regex'?)"),
    "pattern": (changed("outcome: counted", "outcome: !regex '('"), "6:22", "is not a regular expression"),
    "tracks too many": (changed("  results", "    - outcome: counted\n  results", "tracks: [{", "tracks:\n    - {", "}]}]", "}]}"), "8:7", "the scenario has 1 track step, and this is item 2 of tracks"),
    "condition": (changed("outcome: counted", "conditions: {running: true}"), "6:26", "conditions: unknown key 'running'"),
    # The datafile.
    "datafile not there": (f"{GOOD}datafile: shopp.json\n", "8:11", "cannot read the datafile shopp.json: No such file or directory (did you mean 'shop.json'?)"),
    "datafile is a folder": (f"{GOOD}datafile: .\n", "8:11", "is a folder; name a JSON file"),
    "datafile is a page": (f"{GOOD}datafile: page.json\n", "8:11", "the datafile page.json is an HTML page, not JSON"),
    "datafile is broken": (f"{GOOD}datafile: broken.json\n", "8:11", "the datafile broken.json is not valid JSON: line 1, column 13"),
    "datafile not reached": (f"{GOOD}datafile: http://127.0.0.1:9/d.json\n", "8:11", "the datafile http://127.0.0.1:9/d.json was not reached"),
    "experiment of a step": (changed("checkout_test", "checkout-test"), "3:39", "the datafile has no experiment 'checkout-test' (did you mean 'checkout_test'?)"),
    "variation of a step": (changed(": treatment}\n", ": treatmnt}\n"), "3:65", "'checkout_test' has no variation 'treatmnt' (did you mean 'treatment'?)"),
    "flag": (step("decide: {user: u-1, flag: chekout}"), "4:31", "the datafile has no flag 'chekout' (did you mean 'checkout'?)"),
    "attribute": (changed("variation: treatment}\n", "variation: treatment, attributes: {plann: gold}}\n"), "3:89", "the datafile has no attribute 'plann' (did you mean 'plan'?)"),
    "status": (step("datafile: {set: {experiments.checkout_test.status: paused}}"), "4:56", "an experiment has no status 'paused' (did you mean 'Paused'?)"),
    "place in a datafile": (step("datafile: {set: {experiments.checkout.status: Paused}}"), "4:15", "has no item 'checkout'"),
    "experiment of an attribution": (changed("[{experiment: checkout_test", "[{experiment: chekout_test"), "6:60", "no experiment 'chekout_test' (did you mean 'checkout_test'?)"),
    "variation of an attribution": (changed("variation: treatment}]}]", "variation: control_}]}]"), "6:86", "has no variation 'control_' (did you mean 'control'?)"),
    "experiment of results": (changed("results: {checkout_test", "results: {checkout"), "7:13", "the datafile has no experiment 'checkout' (did you mean 'checkout_test'?)"),
    "variation of results": (changed("{treatment: {visitors", "{treatmnt: {visitors"), "7:29", "has no variation 'treatmnt' (did you mean 'treatment'?)"),
    "event of results": (changed("visitors: 1, Order Completed", "visitors: 1, order completed"), "7:54", "no event 'order completed' (did you mean 'Order Completed'?)"),
    "figure of results": (changed("{unique: 1}", "{uniqe: 1}"), "7:72", "unknown key 'uniqe' (did you mean 'unique'?)"),
    "status of a request": (f"{GOOD}  subject_access_requests: [{{status: done}}]\n", "8:38", "a subject access request has no status 'done'"),
    # Mappings and triggers.
    "field of a mapping": (f"{GOOD}mappings: [{{fields: {{evenKey: A}}}}]\n", "8:31", "the action has no field 'evenKey' (did you mean 'eventKey'?)"),
    "key of a mapping": (f"{GOOD}mappings: [{{triger: A}}]\n", "8:13", "a mapping: unknown key 'triger' (did you mean 'trigger'?)"),
    "field of an event": (mapping('type = "track" and evnt = "Tea"'), "9:34", "a Segment event has no field evnt (did you mean event?)"),
    "type in capitals": (mapping('Type = "track"'), "9:15", "no field Type (did you mean type?)"),
    "trigger in JavaScript": (mapping('type === "track" && event === "Tea"'), "9:20", "write `=` instead of ==="),
    "event in another case": (mapping('event = "order completed"'), "9:23", 'no event is called "order completed"; write "Order Completed"'),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_by_one_line_that_lets_the_author_mend_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, place, says = MISTAKES[name]
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").touch()
    Path("shop.json").write_bytes(SHOP.read_bytes())
    Path("page.json").write_text("<!DOCTYPE html><html>")
    Path("broken.json").write_text('{"version": ')
    Path("a.scenario.yaml").write_text(text, encoding="utf-8")
    assert main(["run", "a.scenario.yaml"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    lines = told.err.splitlines()
    starts = [
        index for index, line in enumerate(lines) if line.startswith(f"optilocal: a.scenario.yaml:{place}: ")
    ]
    assert starts and says in lines[starts[0]], told.err
    number, column = place.split(":")
    shown, caret = lines[starts[0] + 1 : starts[0] + 3]
    assert shown.startswith(f"  {number} │ ") and caret.lstrip(" │").startswith("^")
    if int(column) <= 80:  # a longer line is cut
        assert caret.index("^") - len(f"  {number} │ ") == int(column) - 1


def test_the_good_scenario_has_none(tmp_path: Path) -> None:
    (tmp_path / "a.scenario.yaml").write_text(GOOD, encoding="utf-8")
    assert main(["run", str(tmp_path), "--list"]) == 0


def test_there_are_as_many_as_a_tester_once_made() -> None:
    assert len(MISTAKES) >= 62


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &a [x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 12)}]\n" for n in range(12)),
         "anchors repeat more than 100,000 values"),
        ("scenario: " + "x" * 5_100_000, "this file has 5.1 MB, the limit is 5 MB; divide it into several files"),
        ("a: " + "[" * 5_000 + "]" * 5_000, "values are nested too deep; the limit is 100"),
        ("a: " + "[" * 300 + "]" * 300, "values are nested more than 100 deep"),
    ],
    ids=["anchors that multiply", "too large", "far too deep", "too deep"],
)  # fmt: skip
def test_what_would_take_for_ever_names_its_limit(
    text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.scenario.yaml").write_text(text, encoding="utf-8")
    assert main(["run", str(tmp_path)]) == 2
    assert says in capsys.readouterr().err
