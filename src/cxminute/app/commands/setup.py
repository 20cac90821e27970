"""Commands that make and look after a project folder: init, check, doctor, demo."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from cxminute.app import output
from cxminute.model.errors import UnknownName, WrongUse

if TYPE_CHECKING:  # the definitions' languages take a while
    from cxminute.app.project import Definitions

TEMPLATES: Final = Path(__file__).parent.parent / "templates"
_IGNORED: Final = "# what CX Minute keeps for itself: the log, the state, the index, the keys\n.cxm/\n"


def init(
    folder: Path,
    *,
    template: str | None = None,
    from_: Annotated[Path | None, Parameter(name="--from")] = None,
    source: str | None = None,
) -> None:
    """Make a new project folder.

    Parameters
    ----------
    folder
        The folder to make; it may exist, but nothing in it is overwritten.
    template
        Definitions to start from: website, shop, marketplace-seller, boston-311 or online-retail.
    from_
        A data file: a mapping for it is proposed, to be mended by hand.
    source
        What to call the source of --from; the file's name without one.

    """
    if template is not None and from_ is not None:
        raise WrongUse("A new project starts from a template or from a file, not from both.")
    known = sorted(path.name for path in TEMPLATES.iterdir() if path.is_dir())
    if template is not None and template not in known:
        raise UnknownName("template", template, known)
    if (folder / "cxm.toml").exists():
        raise WrongUse(f"{folder} is a project already.", then="Nothing was changed.")
    texts = dict(_template(TEMPLATES / template)) if template else {"cxm.toml": _settings(folder)}
    if from_ is not None:
        from cxminute.app.proposing import propose_source  # noqa: PLC0415 -- reads a file: heavy

        proposed = propose_source(from_, source)
        texts[f"sources/{proposed.name}.toml"] = proposed.text
    for name in texts:
        if (folder / name).exists():
            raise WrongUse(f"{folder / name} exists.", then="Nothing was changed.")
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    for kind in ("sources", "journeys", "promises"):
        (folder / kind).mkdir(exist_ok=True)
    if not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_text(_IGNORED, "utf-8")
    output.say(f"Made {folder}: {', '.join(sorted(texts))}")
    if template is not None:
        _say_sources(texts)
    if from_ is not None:
        output.say(f"Look through the proposed mapping, then: cxm collect {from_} --source {proposed.name} --dry-run")


def check(*, project: Path = Path(), json: bool = False) -> int:
    """Say whether everything is well defined, and what is not.

    Parameters
    ----------
    project
        The project folder, or one inside it.
    json
        One JSON document instead of text.

    Returns
    -------
    int
        0 when all is well, 1 when there are faults.

    """
    from cxminute.app.project import read_definitions  # noqa: PLC0415 -- the definitions' languages take a while
    from cxminute.app.settings import find_root  # noqa: PLC0415 -- likewise

    found = read_definitions(find_root(project.absolute()))
    if json:
        output.document(
            {
                "faults": [
                    {"file": f.file, "line": f.line, "what": f.what, "nearest": f.nearest, "allowed": f.allowed}
                    for f in found.faults
                ]
            }
        )
    else:
        for fault in found.faults:
            output.say(str(fault))
        kinds = {
            "sources": found.sources, "journeys": found.journeys, "promises": found.promises,
            **({"plans": found.plans} if found.plans else {}),
            **({"initiatives": found.initiatives} if found.initiatives else {}),
            **({"linkages": found.linkages} if found.linkages else {}),
        }  # fmt: skip
        for line in _remarks(found):
            output.say(line)
        counted = ", ".join(output.count(len(things), kind) for kind, things in kinds.items())
        output.say(f"{output.count(len(found.faults), 'faults')}; {counted} well defined.")
    return 1 if found.faults else 0


def _remarks(found: Definitions) -> list[str]:
    """What is allowed, and should be known all the same."""
    from cxminute.privacy.purposes import weaker  # noqa: PLC0415 -- as above

    purposes = found.settings.purposes
    said = [
        f"Note: '{name}' rests on {purposes[name].basis} here, not on consent: nobody is asked."
        for name in weaker(purposes)
    ]
    return said + [
        f"Note: initiative '{one.name}' names no {' and no '.join(one.lacks)}: nothing is done for it before it does."
        for one in found.initiatives.values()
        if one.lacks
    ]


def doctor(*, project: Path = Path(), json: bool = False) -> int:
    """Say whether what lies on disk is what was written, and whether this machine can keep what it promises.

    Looks at the database, every segment's SHA-256, receipts, files that nothing names, the inbox, keys, free disk, how
    long a sync takes, and the clock. Changes nothing.

    Parameters
    ----------
    project
        The project folder, or one inside it.
    json
        One JSON document instead of a table.

    Returns
    -------
    int
        0 when all is well, 1 when something is wrong.

    """
    from cxminute.app.doctoring import examine  # noqa: PLC0415 -- opens the state: heavy
    from cxminute.app.project import Project  # noqa: PLC0415 -- likewise

    found = examine(Project(project))
    wrong = [one for one in found if one.state == "wrong"]
    if json:
        checks = [{"name": one.name, "state": one.state, "said": one.said, **one.facts} for one in found]
        output.document({"well": not wrong, "checks": checks})
    else:
        output.table("Doctor", ("", "", ""), [(one.state, one.name, one.said) for one in found])
    return 1 if wrong else 0


def demo(folder: Path = Path("cxm-demo"), *, seed: int = 7) -> None:
    """A shop of its own, with weeks of customers and known troubles; ends in a brief.

    Parameters
    ----------
    folder
        Where the shop's project goes; an earlier demo there is replaced.
    seed
        Which shop: the same seed gives the same customers, troubles and brief.

    """
    from cxminute.app.demo import run_demo  # noqa: PLC0415 -- simulates, collects and tells: heavy

    run_demo(folder, seed)


def _say_sources(texts: dict[str, str]) -> None:
    """What there is to collect: the first line of a source's file says what it is of."""
    for name in sorted(texts):
        if name.startswith("sources/"):
            output.say(f"  {Path(name).stem}: {texts[name].splitlines()[0].lstrip('# ')}")


def _template(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix(), path.read_text("utf-8")


def _settings(folder: Path) -> str:
    name = folder.absolute().name.replace('"', "")
    return f"""name     = "{name}"
timezone = "UTC"              # in which days and weeks are counted: an IANA name such as Europe/Amsterdam
# currency = "EUR"
# purpose = "service-optimisation"   # of commands that name none

[minute]
dimensions = []               # properties that the brief looks for causes in, such as ["carrier", "channel"]
"""


def clear(folder: Path) -> None:
    """Removes an earlier demo; refuses a folder that is something else."""
    if folder.exists() and not (folder / ".cxm-demo").exists():
        raise WrongUse(f"{folder} exists and is no demo.", then="Nothing was changed; name another folder.")
    shutil.rmtree(folder, ignore_errors=True)
