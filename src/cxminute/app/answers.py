"""What a command that reads has to say: one document for programs, tables or lines for people, and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from cxminute.app import output
from cxminute.model.errors import WrongUse


@dataclass(frozen=True, slots=True)
class Shown:
    """A table for people."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in all its forms.

    document: for programs; nan becomes null
    tables:   for people, in order; text before them, as it stands
    remark:   what the tables leave out, told beside them
    picture:  the table that a chart is drawn from, or SVG; None where there is none
    """

    document: dict[str, object]
    tables: tuple[Shown, ...] = ()
    text: str = ""
    remark: str = ""
    picture: pa.Table | str | None = None


def give(answer: Answer, *, json: bool, chart: Path | None = None) -> None:
    """Prints the answer in the form that was asked for; with a chart, also writes the picture to that file.

    raises: WrongUse where the answer has no picture
    """
    if chart is not None:
        if answer.picture is None:
            raise WrongUse("There is no picture of this.", allowed="a table, or --json")
        from cxminute.app.charting import draw  # noqa: PLC0415 -- charts take a while

        draw(answer.picture, chart)
        output.note(f"The picture: {chart}")
    if json:
        output.document(output.clean(answer.document))
        return
    if answer.text:
        output.say(answer.text)
    for shown in answer.tables:
        output.table(shown.title, shown.columns, shown.rows)
    if answer.remark:
        output.note(answer.remark)
