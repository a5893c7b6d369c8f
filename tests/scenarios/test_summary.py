"""The Markdown summary: what failed and why, nothing that breaks the page, never more than GitHub takes."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from run_samples import made_entry, made_run, real_run

from optilocal.scenarios.reporters import summary
from optilocal.scenarios.reporters.files import Reports


def test_it_names_what_failed_with_field_line_and_remedy() -> None:
    run = real_run()
    text = summary.render(run)
    assert text.startswith("### ❌ optilocal: 2 passed, 2 failed, 1 could not run in ")
    for entry in run["scenarios"]:
        assert (entry["rerun"] + "\n" in text) == (entry["status"] != "passed")
        for difference in entry["differences"]:
            assert difference["where"] in text
        for verdict in (
            entry["verdicts"] if entry["status"] == "failed" and entry["differences"][0]["step"] else []
        ):
            assert verdict["remedy"] in text


def test_a_page_shows_every_name_as_it_is() -> None:
    """Markdown-it is a CommonMark reader as GitHub's is; what the summary holds must not become markup of its own."""
    name = "*a* _b_ `c` [d](e) <i>f</i> | g ~~h~~ &lt; \\"
    page = (
        MarkdownIt("commonmark")
        .enable("table")
        .render(
            summary.render(
                made_run([made_entry(name, file="x|y_z*.scenario.yaml", value="``` end\n</details>")])
            )
        )
    )
    assert "<i>" not in page and "<em>" not in page and "<a " not in page
    assert "*a* _b_ `c` [d](e) &lt;i&gt;f&lt;/i&gt; | g ~~h~~ &amp;lt; \\</b>" in page
    assert page.count("</details>") == 1
    assert "<td>x|y_z*.scenario.yaml</td>" in page


def test_all_is_well_is_one_line_and_the_files() -> None:
    passed = [
        made_entry(name, line=n, status="passed", lines=[], reason=None) for n, name in enumerate("abc", 1)
    ]
    text = summary.render(made_run(passed))
    assert text.splitlines()[0] == "### ✅ optilocal: 3 passed in 1.50 s"
    assert "| a.scenario.yaml | 3 | 0 |" in text


def test_what_did_not_run_is_said() -> None:
    run = made_run([made_entry("A")])
    run["counts"]["total"] = 7
    assert "1 failed, 6 not run" in summary.render(run)


def test_it_stays_below_githubs_limit_and_says_what_is_left_out() -> None:
    entries = [made_entry(f"Number {n} {'ä' * 2000}", line=n, lines=[n] * 20) for n in range(1, 400)]
    text = summary.render(made_run(entries))
    assert len(text.encode()) < 1024 * 1024
    left = re.search(r"(\d+) more scenarios did not hold", text)
    assert left and int(left[1]) + text.count("<details") == len(entries)


def test_it_is_added_to_what_other_steps_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "summary.md"
    file.write_text("# Before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    run = made_run([made_entry("A")])
    Reports(github=True).write(run, io.StringIO())
    assert file.read_text(encoding="utf-8") == "# Before\n" + summary.render(run)
