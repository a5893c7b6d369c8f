"""The HTML report: one file with everything in it, nothing from outside, the run as it was, shown by the viewer."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page
from run_samples import made_entry, made_run, real_run

from optilocal.emulator.control.viewer import static_folder
from optilocal.scenarios.reporters import html


class Reader(HTMLParser):
    """Scripts, styles and every address of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.data: list[str] = []
        self.addresses: list[str] = []
        self.policy = ""
        self._into: list[str] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [given[name] or "" for name in ("src", "href", "action", "data") if name in given]
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        if tag in ("script", "style"):
            self._into = self.data if given.get("id") == "run-data" else getattr(self, f"{tag}s")
            self._into.append("")

    def handle_endtag(self, tag: str) -> None:
        self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[-1] += data


def read(run: dict[str, Any]) -> Reader:
    return Reader(html.render(run, static_folder()))


def test_everything_is_in_it() -> None:
    page = read(real_run())
    index = (static_folder() / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r'src="static/([^"]+)"', index)
    styles = re.findall(r'href="static/([^"]+\.css)"', index)
    assert page.scripts == [(static_folder() / name).read_text(encoding="utf-8") for name in scripts] != []
    assert page.styles == [(static_folder() / name).read_text(encoding="utf-8") for name in styles] != []
    assert [one for one in page.addresses if not one.startswith(("#", "data:"))] == []


def test_only_what_was_written_into_it_may_run() -> None:
    page = read(real_run())
    policy = dict(part.split(" ", 1) for part in page.policy.split("; "))
    assert policy["default-src"] == "'none'"
    for texts, directive in ((page.scripts, "script-src"), (page.styles, "style-src")):
        hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
        assert policy[directive].split() == [f"'sha256-{one}'" for one in hashes]


@given(
    name=st.one_of(
        st.text(max_size=20), st.sampled_from(["</script>", "<!--<script>", "]]>", "\u2028", "\ud800"])
    )
)
@settings(max_examples=30, deadline=None)
def test_the_run_comes_out_as_it_went_in(name: str) -> None:
    run = made_run([made_entry(name, value={name: [name]})])
    (data,) = read(run).data
    assert json.loads(data) == run


def test_a_style_brings_its_pictures_and_cannot_end_early(tmp_path: Path) -> None:
    (tmp_path / "css").mkdir()
    (tmp_path / "dot.svg").write_text("<svg/>", encoding="utf-8")
    (tmp_path / "css/a.css").write_text("a{background:url(../dot.svg)} /* </style> */", encoding="utf-8")
    (tmp_path / "a.js").write_text('const end = "</script>";', encoding="utf-8")
    (tmp_path / "index.html").write_text(
        '<!doctype html><html><head><meta charset="utf-8"><link rel="stylesheet" href="static/css/a.css">'
        '<script defer src="static/a.js"></script></head><body>&lt;p&gt; &#8212;<br/></body></html>',
        encoding="utf-8",
    )
    text = html.render(made_run([]), tmp_path)
    page = Reader(text)
    assert page.styles == ['a{background:url("data:image/svg+xml;base64,PHN2Zy8+")} /* <\\/style> */']
    assert page.scripts == ['const end = "<\\/script>";']
    assert "&lt;p&gt; &#8212;<br/>" in text
    assert text.index("run-data") < text.index("const end"), "the data stands before the scripts that read it"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


@pytest.mark.browser
def test_it_opens_from_disk_and_shows_what_differs(tmp_path: Path, page: Page) -> None:
    run = real_run()
    (tmp_path / "report.html").write_text(html.render(run), encoding="utf-8")
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((tmp_path / "report.html").as_uri())
    failed = next(entry for entry in run["scenarios"] if entry["status"] == "failed")
    page.get_by_text(failed["name"], exact=True).click()
    page.get_by_text("Use one id for both sides", exact=False).first.wait_for()
    assert "user_not_activated" in page.content()
    assert page.locator("main").inner_text().count("details") > 0
    assert [url for url in asked if not url.startswith("file:")] == []
    assert complaints == []
