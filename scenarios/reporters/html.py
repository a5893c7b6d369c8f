"""The result document as one HTML file that opens from disk: the viewer's own code, with the run written into it."""

import base64
import hashlib
import json
import mimetypes
import re
from pathlib import Path
from typing import Any

from optilocal.emulator.control.viewer import static_folder

_URL = re.compile(r"""url\(\s*(["']?)(?!data:|#)([^"')]+)\1\s*\)""")
_CHARSET = '<meta charset="utf-8">'
_ICON = re.compile(r'<link rel="icon" href="static/([^"]+)"[^>]*>')
_STYLE = re.compile(r'<link rel="stylesheet" href="static/([^"]+)">')
_SCRIPT = re.compile(r'<script defer src="static/([^"]+)"></script>\s*')
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
    page = (static / "index.html").read_text(encoding="utf-8")
    scripts = [
        _closed((static / name).read_text(encoding="utf-8"), "script") for name in _SCRIPT.findall(page)
    ]
    styles = [_style(static / name) for name in _STYLE.findall(page)]
    policy = _POLICY.format(scripts=_hashes(scripts), styles=_hashes(styles))
    meta = f'{_CHARSET}\n<meta http-equiv="Content-Security-Policy" content="{policy}">'
    page = _SCRIPT.sub("", page).replace(_CHARSET, meta, 1)
    page = _ICON.sub(lambda match: f'<link rel="icon" href="{_data_url(static / match[1])}">', page)
    written = iter(styles)
    page = _STYLE.sub(lambda _: f"<style>{next(written)}</style>", page)
    before, end, after = page.rpartition("</body>")
    data = f'<script type="application/json" id="run-data">{_embedded(run)}</script>'
    return "\n".join([before + data, *(f"<script>{script}</script>" for script in scripts), end + after])


def _style(file: Path) -> str:
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
