"""What is told of erasures beside figures that are worked out anew: they may differ from what was published before."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cxminute.app.analysis import View
from cxminute.app.answers import Answer
from cxminute.minute.brief import Line
from cxminute.store.forgetting import erasures

KEY: Final = "after_erasures"
"""The key of a document: how many people were forgotten of whom the span had events; without it nobody was."""


def after_erasures(seen: View) -> int:
    """How many people were forgotten who had events in the span of a view."""
    return erasures(seen.project.log.state, seen.since, seen.until)[0]


def said(many: int) -> str:
    """The same in a sentence; '' where nobody was."""
    if not many:
        return ""
    return f"After {many:,} erasure{'' if many == 1 else 's'}: what was published before stands as it was."


def noted(seen: View, answer: Answer) -> Answer:
    """An answer that says so."""
    many = after_erasures(seen)
    if not many:
        return answer
    remark = " ".join(part for part in (answer.remark, said(many)) if part)
    return replace(answer, document={**answer.document, KEY: many}, remark=remark)


def line(seen: View, command: str) -> list[Line]:
    """The line of a brief that says so; none where nobody was."""
    many = after_erasures(seen)
    return [Line(said(many), f"{many:,}", command)] if many else []
