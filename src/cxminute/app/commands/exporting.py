"""The command that hands somebody what is held on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cxminute.app import clock, output
from cxminute.app.analysis import View
from cxminute.app.engines import engine_of
from cxminute.app.project import Project
from cxminute.model.errors import Refused, UnknownName, WrongUse

if TYPE_CHECKING:  # only for its type
    from cxminute.store.requests import Request

_ANSWERS = ("access", "portability")


def export(  # noqa: PLR0913 -- each is a choice of its own
    identifier: str | None = None,
    *,
    out: Path = Path("export.zip"),
    format: str = "both",  # noqa: A002 -- the option's own name
    portable: Annotated[bool, Parameter(negative="")] = False,
    kind: str | None = None,
    purpose: str | None = None,
    request: int | None = None,
    json: bool = False,
    project: Path = Path(),
) -> None:
    """Everything held on one person, for them: events with all values, where from, what for, how long, who got it.

    That it went out is noted. The file is readable by you alone: hand it over, then remove it.

    Parameters
    ----------
    identifier
        As a source wrote it, or an e-mail address; not needed with --request.
    out
        A new file that ends in .zip, or a new folder.
    format
        json, csv or both.
    portable
        Only what they gave or what was observed of them, where the basis is consent or a contract (GDPR 20).
    kind
        Which kind of identifier it is: user_id, anonymous_id, email ...
    purpose
        Only what contracts allow for this purpose; all of it without it, since it is theirs.
    request
        The request of the register that it answers: whoever asked must have proved who they are.
    json
        One JSON document on what was written, instead of text.
    project
        The project folder, or one inside it.

    """
    import numpy as np  # noqa: PLC0415 -- takes a while to import

    from cxminute.app.rights.consenting import pass_person  # noqa: PLC0415 -- the way to the log
    from cxminute.app.rights.handing_over import check_target, files_of, write  # noqa: PLC0415 -- the way to the log
    from cxminute.app.rights.holding import held, whom  # noqa: PLC0415 -- takes a while to import
    from cxminute.privacy.rights import for_the_person  # noqa: PLC0415 -- likewise
    from cxminute.privacy.use import Use  # noqa: PLC0415 -- likewise
    from cxminute.store.disclosures import THE_PERSON  # noqa: PLC0415 -- likewise

    opened, now = Project(project), clock.now()
    check_target(out, opened.folder)
    asked = None if request is None else _answered(opened.requests.get(request))
    if identifier is None and asked is None:
        raise WrongUse("Whose data?", allowed="an identifier, or --request N")
    everything = for_the_person(opened.definitions.contracts.values())
    leave = everything if purpose is None else opened.permit(purpose)
    about = {kind or "": [identifier]} if identifier is not None else dict(asked.about) if asked is not None else {}
    who = whom(opened, leave, about)
    if purpose is not None:  # what is theirs to have needs nobody's leave; a use of ours does
        use = Use(purpose, "export", tuple(sorted(leave.sources)), destination=THE_PERSON)
        pass_person(opened, use, np.array(who.profiles, np.int64))
    if identifier is not None and asked is not None:
        theirs = whom(opened, everything, asked.about)
        if not set(theirs.profiles) & set(who.profiles):
            raise WrongUse(f"Request {asked.id} is about somebody else.", then="Nothing was written.")
    portable = portable or (asked is not None and asked.kind == "portability")
    seen = View(opened, None, None, None, None, engine_of(opened.settings))
    document = held(seen, who, portable=portable, now=now)
    files = list(files_of(document, format))
    events = int(document["person"]["events"])
    what = f"export{' to take elsewhere' if portable else ''} ({format}): {output.count(events, 'events')}"
    opened.disclosures.note(who.profiles, THE_PERSON, leave.purpose, what, now)
    written = write(out, files)
    if json:
        names = [name for name, _ in files]
        output.document({"written": [str(path) for path in written], "files": names, "events": events})
        return
    output.say(f"Wrote {out}: {output.count(events, 'events')}, {output.count(len(files), 'files')}.")
    output.say("It holds personal values, and only you can read it: hand it over, then remove it.")
    if asked is not None:
        output.say(f"Once they have it: cxm requests done {asked.id}")


def _answered(request: Request) -> Request:
    """The request, where an export answers it and it is known who asks."""
    if request.kind not in _ANSWERS:
        raise WrongUse(
            f"Request {request.id} asks for {request.kind}: an export does not answer it.",
            allowed=f"a request of {' or '.join(_ANSWERS)}",
        )
    if request.done_at is not None:
        raise WrongUse(f"Request {request.id} is done already.", then="Nothing was written.")
    if not request.is_proven:
        raise Refused(
            f"Nobody has checked who asks in request {request.id}.",
            allowed=f"cxm requests check {request.id} --how TEXT, first",
            then="Nothing was written.",
        )
    if not any(request.about.values()):
        raise UnknownName("identifier of request", str(request.id), ())
    return request
