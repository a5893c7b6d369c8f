"""Files as a person would type them from the current folder; the shipped scenarios as `suite/…`."""

from pathlib import Path

SUITE = Path(__file__).resolve().parents[1] / "suite"


def shown(file: Path) -> str:
    """A file below the current folder by its path from there, a shipped one as `suite/…`, any other as it is."""
    resolved = file.resolve()
    if resolved.is_relative_to(SUITE) and not Path("suite").exists():
        return (Path("suite") / resolved.relative_to(SUITE)).as_posix()
    if resolved.is_relative_to(Path.cwd()):
        return resolved.relative_to(Path.cwd()).as_posix() or "."
    return file.as_posix()


def typed(path: str) -> Path:
    """The file or folder that a person typed; `suite/…` is the shipped suite's when there is no such file here."""
    file = Path(path)
    if not file.exists() and file.parts[:1] == ("suite",):
        shipped = SUITE.joinpath(*file.parts[1:])
        return shipped if shipped.exists() else file
    return file
