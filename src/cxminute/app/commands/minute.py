"""The command for the brief."""

from __future__ import annotations

import sys
from pathlib import Path

from cxminute.app import output
from cxminute.app.analysis import view
from cxminute.app.brief import render, tell_week
from cxminute.app.options import Reading

_READING = Reading()


def minute(
    *,
    form: str | None = None,
    out: Path | None = None,
    details: bool = False,
    options: Reading = _READING,
) -> None:
    """The brief of a week: what changed, where it comes from, what deserves a decision; read in one minute.

    Parameters
    ----------
    form
        terminal, markdown, html or json.
    out
        Write it to this file instead.
    details
        On the terminal, also show the tables behind it.
    options
        What every reading command takes. --week is the week of the brief, the last whole week of the log without
        it; a brief is told as of the end of its week.

    """
    told = tell_week(view(options), options.week)
    if form is None:
        form = "json" if options.json else _form_of(out)
    if form == "terminal" and out is None:
        from cxminute.minute.terminal import terminal  # noqa: PLC0415 -- one form is asked for

        output.console().print(terminal(told.brief, details=details))
        return
    text = render(told.brief, form)
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, "utf-8")
        output.say(f"The brief of week {told.brief.week}: {out}")


def _form_of(out: Path | None) -> str:
    """The form that a file's name asks for."""
    endings = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json"}
    return endings.get(out.suffix.lower(), "terminal") if out else "terminal"
