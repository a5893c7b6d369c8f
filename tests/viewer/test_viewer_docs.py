"""docs/viewer.md against the viewer: every page, key and filter word it names is there, and none is missing."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "viewer.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return TEXT.split(f"## {title}\n")[1].split("\n## ")[0]


def test_every_page_is_described(page: Page) -> None:
    page.goto("/")
    views = set(page.evaluate("Object.keys(optilocal.views)"))
    assert set(re.findall(r"#/(\w+)", section("Pages"))) == views


def test_every_key_and_every_filter_word_is_described(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Keys").click()
    keys = " ".join(page.locator("dialog kbd").all_inner_texts()).replace(",", " ").split()
    assert set(re.findall(r"`(\S+?)`", section("Keys"))) == {
        key for key in keys if key == "/" or len(key) > 1 or key.isalpha()
    } | set("↓↑[]?")
    for name in ("event-lists", "page-runs"):
        script = (ROOT / "static" / "js" / f"{name}.js").read_text(encoding="utf-8")
        words = set(re.findall(r"^    (\w+): \(one\) =>", script, re.MULTILINE)) - {"text", "tag"}
        assert {word for word in words if f"`{word}:" not in section("Filters")} == set()


def test_the_pictures_are_there() -> None:
    for name in re.findall(r"\]\((pictures/\S+)\)", TEXT):
        assert (ROOT / "docs" / name).read_bytes().startswith(b"\x89PNG")
