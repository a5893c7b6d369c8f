"""The result document as one HTML file that opens from disk: the viewer's own code, with the run written into it."""

from __future__ import annotations

import base64
import hashlib
import json
import mimetypes
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from optilocal.emulator.control.viewer import static_folder

_URL = re.compile(r"""url\(\s*(["']?)(?!data:|#)([^"')]+)\1\s*\)""")
_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src {styles}; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def render(run: dict[str, Any], static: Path | None = None) -> str:
    """The viewer's page with every style, script and picture in it, and the run as `#run-data`.

    The page sends no requests, and its content security policy forbids them: only the scripts and styles written into
    it may run, each allowed by its hash.
    """
    static = static or static_folder()
    page = _Page(static)
    page.feed((static / "index.html").read_text(encoding="utf-8"))
    page.close()
    policy = _POLICY.format(scripts=_hashes(page.scripts), styles=_hashes(page.styles))
    scripts = "\n".join(f"<script>{script}</script>" for script in page.scripts)
    head, after_head = "".join(page.out).split(_POLICY_PLACE)
    body, after_body = after_head.split(_SCRIPTS_PLACE)
    data = f'<script type="application/json" id="run-data">{_embedded(run)}</script>'
    meta = f'\n<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return "".join([head, meta, body, data, "\n", scripts, "\n", after_body])


_POLICY_PLACE, _SCRIPTS_PLACE = "\x00policy\x00", "\x00scripts\x00"


class _Page(HTMLParser):
    """Copies the page; files it names are taken in, its deferred scripts gathered for the end of the body."""

    def __init__(self, static: Path) -> None:
        super().__init__(convert_charrefs=False)
        self._static = static
        self._in_script = self._after_script = False
        self.out: list[str] = []
        self.styles: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self._after_script = False
        if tag == "link" and attributes.get("rel") == "stylesheet":
            self.styles.append(self._style(self._file(attributes["href"])))
            self.out.append(f"<style>{self.styles[-1]}</style>")
        elif tag == "link" and attributes.get("rel") == "icon":
            self.out.append(f'<link rel="icon" href="{_data_url(self._file(attributes["href"]))}">')
        elif tag == "script":
            self._in_script = True
            self.scripts.append(_closed(self._file(attributes["src"]).read_text(encoding="utf-8"), "script"))
        else:
            self.out.append(self.get_starttag_text() or "")
            if tag == "meta" and "charset" in attributes:
                self.out.append(_POLICY_PLACE)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._in_script, self._after_script = False, True
            return
        self._after_script = False
        if tag == "body":
            self.out.append(_SCRIPTS_PLACE)
        self.out.append(f"</{tag}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        if self._in_script or (self._after_script and data.isspace()):
            return
        self.out.append(data)

    def handle_entityref(self, name: str) -> None:
        self.out.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.out.append(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self.out.append(f"<!{decl}>")

    def _file(self, reference: str | None) -> Path:
        name = (reference or "").removeprefix("./").removeprefix("/").removeprefix("static/")
        return self._static / name

    def _style(self, file: Path) -> str:
        text = file.read_text(encoding="utf-8")
        text = _URL.sub(lambda match: f'url("{_data_url(file.parent / match[2])}")', text)
        return _closed(text, "style")


def _closed(text: str, tag: str) -> str:
    """A text that cannot end the element it stands in."""
    return re.sub(rf"</({tag})", r"<\\/\1", text, flags=re.IGNORECASE)


def _data_url(file: Path) -> str:
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"


def _hashes(texts: list[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"


def _embedded(run: dict[str, Any]) -> str:
    """JSON in which nothing can end or open an element, whatever an event carried."""
    text = json.dumps(run, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return text.encode("utf-8", "backslashreplace").decode()
