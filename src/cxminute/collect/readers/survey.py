"""Surveys: exports of NPS, CSAT and CES answers, a row each, from whatever tool asked.

A row is one response. Its metric stands in a column `metric`, or in the name of the column that holds the score; a row
with several such columns tells of an answer for each. Every other header is named in the source: `[columns]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cxminute.collect.readers.facts import Around, Fact, Form, Piece, Reader, Record, Unfit, known_as, said
from cxminute.collect.readers.fields import happened, moment, number, text
from cxminute.collect.readers.headers import cells, over, row_of, spelt

_SCALES: Final = {"NPS": (10.0, (10.0,)), "CSAT": (5.0, ()), "CES": (7.0, ())}
"""Metric -> the scale where no column says it, and the scales that it may have; () for any."""
_METRICS: Final = {
    "nps": "NPS", "net_promoter_score": "NPS",
    "csat": "CSAT", "customer_satisfaction": "CSAT", "customer_satisfaction_score": "CSAT",
    "ces": "CES", "customer_effort": "CES", "customer_effort_score": "CES",
}  # fmt: skip
_HEADERS: Final = {metric: (f"{metric} score", f"{metric.lower()}_score", metric) for metric in _SCALES}
_TELLS: Final = {"Survey Answered": ("survey", "metric", "score", "scale", "language", "channel", "topic")}
_KNOWN: Final = (
    "response_id", "submitted_at", "updated_at", "customer_id", "user_id", "email", "name", "order_id", "ticket_id",
    "survey", "question", "metric", "score", "scale", "comment", "language", "channel", "topic",
    *(spelt(header) for headers in _HEADERS.values() for header in headers),
)  # fmt: skip


def _answers(piece: Piece, around: Around) -> Sequence[Record]:
    row = row_of(piece)
    found = cells(row)
    at = happened(found, "submitted_at", around)
    identifiers = known_as(
        order_id=text(found, "order_id"),
        ticket_id=text(found, "ticket_id"),
        user_id=text(found, "customer_id") or text(found, "user_id"),
    )
    about = said(
        survey=text(found, "survey"),
        question=text(found, "question"),
        language=text(found, "language"),
        channel=text(found, "channel"),
        topic=text(found, "topic"),
        comment=text(found, "comment"),
        email=text(found, "email"),
        name=text(found, "name"),
    )
    scores: list[tuple[str, float | None]] = [*_scores(found)]
    if not scores and "comment" not in about:
        raise Unfit("no_event", "Neither a score nor a comment: nobody answered.")
    records: list[Record] = []
    for metric, score in scores or [("", None)]:
        answer = {} if score is None else _judged(metric, score, number(found, "scale"))
        records.append(
            Record(
                _key(found, metric, identifiers),
                identifiers,
                [Fact("Survey Answered", at, {**about, **answer})],
                changed_at=moment(found, "updated_at", around) if text(found, "response_id") else None,
                rest={} if records else over(row, *_KNOWN),
            )
        )
    return records


def _scores(found: Piece) -> list[tuple[str, float]]:
    """The row's metrics with their scores: of the columns that name them, else of `metric` and `score`."""
    named = []
    for metric, headers in _HEADERS.items():
        for header in dict.fromkeys(map(spelt, headers)):
            if (score := number(found, header)) is not None:
                named.append((metric, score))
                break
    if named:
        return named
    score, word = number(found, "score"), text(found, "metric")
    if score is None:
        return []
    metric = _METRICS.get(spelt(word), "")
    if not metric:
        stands = "a word that is none" if word else "nothing"
        raise Unfit("bad_shape", f"'metric' holds {stands}. Allowed: {', '.join(_SCALES)}.")
    return [(metric, score)]


def _judged(metric: str, score: float, scale: float | None) -> dict[str, object]:
    """The score on its scale: NPS 0 to 10 in whole numbers, CSAT and CES 1 to `scale`; of 1 and of 100 also 0."""
    usual, allowed = _SCALES[metric]
    top = usual if scale is None else scale
    if top < 1 or (allowed and top not in allowed):
        known = " or ".join(f"{one:g}" for one in allowed) or "1 and above"
        raise Unfit("bad_score", f"'scale' of {metric} is {top:g}. Allowed: {known}.")
    low = 0.0 if metric == "NPS" or top in (1.0, 100.0) else 1.0
    if not low <= score <= top or (metric == "NPS" and not score.is_integer()):
        way = "" if metric == "NPS" else " If the scale is another, a column 'scale' says so."
        raise Unfit("bad_score", f"The answer lies off the scale of {metric}, {low:g} to {top:g}.{way}")
    return {"metric": metric, "score": score, "scale": top}


def _key(found: Piece, metric: str, identifiers: Piece) -> str:
    """Names the answer: by its response, else by when it was given, about what and by whom (`hides_keys`)."""
    response = text(found, "response_id")
    if not response:
        if not identifiers:
            raise Unfit("no_key", "None of response_id, order_id, ticket_id and customer_id says which answer it is.")
        response = " ".join([text(found, "submitted_at"), *(str(identifiers[kind]) for kind in sorted(identifiers))])
    parts = [text(found, "survey"), response, text(found, "question"), metric]
    return " ".join(["answer", *(part for part in parts if part)])


def _form(name: str, *has: str, says: str = "") -> Form:
    return Form(name, _answers, _TELLS, has=("submitted_at", *has), report=True, says=says)


READER: Final = Reader(
    "survey",
    "Surveys",
    (
        _form(
            'survey of several metrics (of one alone: [columns] "NPS score" = "score")',
            "score",
            "metric",
            says="Nobody knows how many were asked, only who answered.",
        ),
        *(_form(f"survey of {metric}", header) for metric, headers in _HEADERS.items() for header in headers),
    ),
    ("user_id", "order_id", "ticket_id"),
    "",
    hides_keys=True,
)
