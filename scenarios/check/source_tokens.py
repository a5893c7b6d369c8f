"""Source text → tokens, alike enough in every language: strings, numbers, names, marks; comments left out."""

import re
from dataclasses import dataclass

_SLASHES = r"//[^\n]*|/\*.*?(?:\*/|\Z)"
_HASH = r"\#[^\n]*"
_MARKUP = r"<!--.*?(?:-->|\Z)"
_TRIPLE = r'"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\''
_PLAIN = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
_BACKTICK = r"`(?:\\.|[^`\\])*`"
_REST = (
    r"(?P<number>\d[\d_]*(?:\.\d+)?)|(?P<name>[A-Za-z_$][\w$]*)|(?P<mark>\?\.|::|->|=>|\.\.\.|\*\*|[^\s\w])"
)


@dataclass(frozen=True, slots=True)
class Language:
    """How a language writes comments, strings and what is put into a string (`interpolation`, a pattern)."""

    name: str
    comments: str
    strings: str
    interpolation: str | None = None

    def tokens(self) -> re.Pattern[str]:
        """The pattern of one token."""
        return re.compile(f"(?P<comment>{self.comments})|(?P<string>{self.strings})|{_REST}", re.DOTALL)


_JAVASCRIPT = Language("javascript", _SLASHES, f"{_PLAIN}|{_BACKTICK}", r"\$\{")
_MARKED_UP = Language("javascript", f"{_SLASHES}|{_MARKUP}", f"{_PLAIN}|{_BACKTICK}", r"\$\{")
_PYTHON = Language("python", _HASH, f"{_TRIPLE}|{_PLAIN}")
_RUBY = Language("ruby", _HASH, _PLAIN, r"#\{")
_GO = Language("go", _SLASHES, f"{_PLAIN}|{_BACKTICK}")
_JAVA = Language("java", _SLASHES, f"{_TRIPLE}|{_PLAIN}")
_KOTLIN = Language("kotlin", _SLASHES, f"{_TRIPLE}|{_PLAIN}", r"\$[A-Za-z_{]")
_SWIFT = Language("swift", _SLASHES, f"{_TRIPLE}|{_PLAIN}", r"\\\(")
_OBJECTIVE_C = Language("objective-c", _SLASHES, _PLAIN)
_PHP = Language("php", f"{_SLASHES}|{_HASH}", _PLAIN, r"\$[A-Za-z_]|\{\$")
_DART = Language("dart", _SLASHES, f"{_TRIPLE}|{_PLAIN}", r"\$[A-Za-z_{]")
_CSHARP = Language("csharp", _SLASHES, f"{_TRIPLE}|{_PLAIN}")

LANGUAGES: dict[str, Language] = {
    **dict.fromkeys((".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".mts", ".cts"), _JAVASCRIPT),
    **dict.fromkeys((".vue", ".svelte", ".html", ".htm", ".astro"), _MARKED_UP),
    ".py": _PYTHON, ".rb": _RUBY, ".erb": _RUBY, ".rake": _RUBY, ".go": _GO, ".java": _JAVA, ".scala": _KOTLIN,
    ".kt": _KOTLIN, ".kts": _KOTLIN, ".swift": _SWIFT, ".m": _OBJECTIVE_C, ".mm": _OBJECTIVE_C, ".php": _PHP,
    ".cs": _CSHARP, ".dart": _DART,
}  # fmt: skip
"""The languages by the ending of a file's name."""
MARKED_UP = _MARKED_UP
"""HTML and what is built on it: code stands in attributes too, `@click="analytics.track('Signed Up')"`."""
_PATTERNS = {id(language): language.tokens() for language in LANGUAGES.values()}


@dataclass(frozen=True, slots=True)
class Token:
    """One token: `kind` is string, number, name or mark; `line` counts from 1."""

    kind: str
    text: str
    line: int
    end: int
    start: int


def tokenize(text: str, language: Language) -> list[Token]:
    """All tokens of a text but its comments. Text that is not code gives tokens too; they just mean nothing."""
    tokens: list[Token] = []
    line, counted = 1, 0
    for match in _PATTERNS[id(language)].finditer(text):
        line += text.count("\n", counted, match.start())
        counted = match.start()
        kind = match.lastgroup or "mark"
        if kind != "comment":
            tokens.append(Token(kind, match.group(), line, match.end(), match.start()))
    return tokens


_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


def written_out(token: Token, language: Language, before: Token | None = None) -> str | None:
    """The text a string token stands for; None for one that is put together when the program runs."""
    quote = 3 if token.text[:3] in ('"""', "'''") else 1
    inner = token.text[quote:-quote]
    prefix = before.text if before and before.kind in ("name", "mark") and before.end == token.start else ""
    if language.name == "python" and "f" in prefix.casefold() and len(prefix) <= 2 and "{" in inner:
        return None
    if language.name == "csharp" and prefix == "$" and "{" in inner:
        return None
    single = token.text.startswith("'") and language.name in ("php", "ruby")
    if language.interpolation and not single and re.search(language.interpolation, inner):
        return None
    raw = token.text.startswith("`") and language.name == "go"
    return inner if raw or "\\" not in inner else _ESCAPE.sub(_unescape, inner)


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    return chr(int(code, 16)) if code else _ESCAPED.get(match[4], match[4])
