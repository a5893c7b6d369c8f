"""The benches' own arithmetic, what they read, and the page they write; nothing is timed here."""

from __future__ import annotations

import json
import math
from pathlib import Path
from random import Random

import pytest

from bench import report
from bench.batches import filled, kinds, source_events, uuid_of, visitor, write_kinds
from bench.figures import fit, growth, median, paired_ratio, percentile, ratio, rounded
from bench.load import read
from bench.record import Goal, Record

WRK = """Running 8s test @ http://127.0.0.1:40001
  2 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.52ms    2.10ms  41.20ms   91.20%
    Req/Sec     6.10k   512.00     7.20k    68.00%
  Latency Distribution
     50%  812.00us
     75%    1.60ms
     90%    3.20ms
     99%    1.02s
  96412 requests in 8.01s, 12.40MB read
{more}Requests/sec:  12036.45
Transfer/sec:      1.55MB
"""
BROKEN = "  Socket errors: connect 1, read 2, write 0, timeout 4\n  Non-2xx or 3xx responses: 30\n"


def test_what_wrk_prints_is_read() -> None:
    found = read(WRK.format(more=""))
    assert (found.requests, found.seconds, found.rate, found.errors) == (96_412, 8.01, 12_036.45, 0)
    assert (found.p50, found.p99) == (pytest.approx(0.812), pytest.approx(1020))


def test_broken_connections_and_refused_requests_are_errors() -> None:
    assert read(WRK.format(more=BROKEN)).errors == 37


@pytest.mark.parametrize(
    "text", ["", "unable to connect to 127.0.0.1:1 Connection refused", WRK.split("  96412", maxsplit=1)[0]]
)
def test_what_is_no_result_of_wrk_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not what wrk prints"):
        read(text)


def test_medians_and_percentiles() -> None:
    assert median([3, 1, 2]) == 2
    assert median([4, 1, 2, 3]) == 2.5
    assert percentile(range(1, 101), 0.99) == 99
    assert percentile([7], 0.5) == 7
    for nothing in (lambda: median([]), lambda: percentile([], 0.5)):
        with pytest.raises(ValueError, match="of nothing"):
            nothing()


def test_a_ratio_is_taken_round_by_round() -> None:
    assert ratio(3, 2) == 1.5
    # The machine was busy in the second round: both suffered.
    assert paired_ratio([300, 30, 320], [100, 10, 100]) == 3
    with pytest.raises(ValueError, match="compared with 0"):
        ratio(1, 0)
    with pytest.raises(ValueError, match="shorter"):
        paired_ratio([1, 2], [1])


def test_a_line_is_fitted_through_samples() -> None:
    line = fit([(0, 10), (1, 12), (2, 14)])
    assert (line.slope, line.start, line.at(5)) == (pytest.approx(2), pytest.approx(10), pytest.approx(20))
    assert growth([(10, 100), (20, 105), (30, 110)]) == pytest.approx(0.1)
    assert growth([(0, 50), (60, 50)]) == 0
    with pytest.raises(ValueError, match="two places"):
        fit([(1, 1), (1, 2)])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (12_345.6, "12,300"), (0.04561, "0.0456"), (7.5, "7.5"), (100.0, "100"), (2, "2"), (-22.04, "-22"),
     (math.inf, "inf"), (1_000_000, "1,000,000"), (999.6, "1,000")],
)  # fmt: skip
def test_numbers_keep_three_digits(value: float, text: str) -> None:
    assert rounded(value) == text


def test_a_goal_knows_how_far_it_is_reached() -> None:
    assert Goal("rate", 3.2, 2, 3, at_least=True).reached == "aim"
    assert Goal("rate", 2, 2, 3, at_least=True).reached == "floor"
    assert Goal("rate", 1.9, 2, 3, at_least=True).reached == "no"
    assert Goal("memory", 0.12, 0.15, 0.1).reached == "floor"
    assert Goal("time", 4.9, 5, unit="ms").reached == "floor"
    assert Goal("time", 4.9, 5, unit="ms").bound == "≤ 5 ms"
    assert Goal("rate", 1, 2, 3, at_least=True).bound == "≥ 2 / 3"


def a_record() -> Record:
    about = {
        "date": "2026-01-15",
        "revision": "abc",
        "load_before": [0.1, 0.2, 0.3],
        "packages": {"flask": "3.1.3"},
    }
    found = Record("capture", {**about, "cores": 2}, {"rounds": 3})
    for of, rate in (("optilocal", 30_000.0), ("WireMock", 10_000.0), ("bare", 60_000.0)):
        found.add("a second", of, rate, "/s", "journal in memory" if of == "WireMock" else "")
        found.add("99 %", of, 1.25, "ms")
    found.goals.append(Goal("by WireMock's", 3.0, 2, 3, at_least=True))
    found.said.append("WireMock: there is no Node.js with npm on this machine")
    return found


def test_a_record_is_read_as_it_was_kept(tmp_path: Path) -> None:
    kept = a_record()
    assert Record.read(kept.write(tmp_path / "results")) == kept
    assert report.read_all(tmp_path / "results") == [kept]


def test_a_short_steady_run_counts_only_without_a_long_one(tmp_path: Path) -> None:
    short, long = Record(report.SHORT, {}), Record("steady", {})
    short.write(tmp_path)
    assert [one.bench for one in report.read_all(tmp_path)] == [report.SHORT]
    long.write(tmp_path)
    assert [one.bench for one in report.read_all(tmp_path)] == ["steady"]


def test_the_figures_in_tables() -> None:
    text = report.figures([a_record()])
    assert "| by WireMock's | 3 | ≥ 2 / 3 | yes, the aim |" in text
    assert "| | a second | 99 %, ms |" in text
    assert "| WireMock | 10,000 | 1.25 |" in text
    assert "- WireMock: journal in memory." in text
    assert "Not measured: WireMock: there is no Node.js with npm on this machine." in text
    assert "| capture | 2026-01-15 | abc | 0.1, 0.2, 0.3 | rounds 3 |" in text
    assert "Measured on: cores 2, flask 3.1.3." in text


def test_what_stands_outside_the_marks_is_left_alone() -> None:
    page = f"# Title\n\nby hand\n\n{report.BEGIN}\nold\n{report.END}\n\n## Tried\n\nby hand too\n"
    once = report.between(page, "new")
    assert once == f"# Title\n\nby hand\n\n{report.BEGIN}\n\nnew\n\n{report.END}\n\n## Tried\n\nby hand too\n"
    assert report.between(once, "new") == once
    for spoilt in ("no marks", page + report.BEGIN, f"{report.END} {report.BEGIN}"):
        with pytest.raises(ValueError, match="once each, in this order"):
            report.between(spoilt, "new")


def test_the_page_has_its_marks() -> None:
    assert "new" in report.between(report.PAGE.read_text(encoding="utf-8"), "new")


def test_batches_are_of_the_size_and_mix_that_the_page_tells(tmp_path: Path) -> None:
    random = Random(7)
    made = [filled(kind, visitor(7), uuid_of(random)) for kind in kinds(1_795_436_797_720)]
    sizes = [len(json.dumps(batch, separators=(",", ":"))) for batch in made]
    assert min(sizes) >= 600
    assert max(sizes) <= 900
    assert ["decisions" in batch["visitors"][0]["snapshots"][0] for batch in made] == [
        True,
        False,
        False,
        False,
    ]
    assert len({batch["visitors"][0]["snapshots"][0]["events"][0]["uuid"] for batch in made}) == 4
    # load.lua cuts each body at the two ids, in this order, and reckons with their lengths.
    for body in (*kinds(1_795_436_797_720), *source_events()):
        (line,) = write_kinds(tmp_path, [body]).read_text(encoding="utf-8").splitlines()
        assert line.count("@VISITOR@") == line.count("@UUID@") == 1
        assert line.index("@VISITOR@") < line.index("@UUID@")
    assert len(visitor(7)) == len(visitor(19_999)) == 8
    assert len(uuid_of(random)) == 36
