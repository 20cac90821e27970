"""What `cxm link` and `cxm unlink` answer: who is who now, what changed, and what cannot be taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from cxminute.app import output
from cxminute.app.people.bonding import Group, Outcome
from cxminute.app.people.consequences import Changed
from cxminute.model.times import from_ms
from cxminute.store.bonds import APART, LINKED, NOTHING

_MOST = 20  # rows of a journey that the text shows
_SAYS = {
    LINKED: "{a} and {b} are one person's",
    APART: "{a} and {b} are two people's, whatever events say",
    NOTHING: "what was said of {a} and {b} is taken back",
}


def document(found: Outcome, zone: ZoneInfo) -> dict[str, object]:
    """As JSON has it.

    keys: done, said, stood, a, b, together, people (before, after), changed, sent, briefs
    """
    a, b = found.pair
    return {
        "done": found.done,
        "verb": found.asked.verb,
        "a": found.names[a].document,
        "b": found.names[b].document,
        "stood": found.stood,
        "said": list(found.said),
        "together": found.together,
        "people": {"before": _people(found, found.before), "after": _people(found, found.after)},
        "changed": [
            {"about": one.about, "before": dict(one.before), "after": dict(one.after), "rows": list(one.rows)}
            for one in found.changed
        ],
        "sent": [
            {"profile": one.profile, "recipient": one.recipient, "purpose": one.purpose, "what": one.what,
             "at": from_ms(one.at).astimezone(zone)}
            for one in found.sent
        ],
        "briefs": list(found.briefs),
    }  # fmt: skip


def lines(found: Outcome, zone: ZoneInfo) -> Iterator[str]:
    """For people."""
    a, b = (found.names[number].text for number in found.pair)
    if not found.said:
        yield f"Nothing to say: of {a} and {b} that is said already."
    for word in found.said:
        yield f"{'Said' if found.done else 'Would say'}: {_SAYS[word].format(a=a, b=b)}."
    yield from _standing(found)
    now = "Now" if found.done else "Then"
    for group in found.after:
        yield f"  {now} person {group.person}: {', '.join(_called(found, group))}"
    for one in found.changed:
        yield from _changed(one, zone)
    if not any(one.rows for one in found.changed):
        yield "No passage and no promise changes."
    if found.sent or found.briefs:
        yield "This cannot be taken back:"
    for one_sent in found.sent:
        at = f"{from_ms(one_sent.at).astimezone(zone):%Y-%m-%d %H:%M}"
        yield f"  {at} {one_sent.recipient} received: {one_sent.what} ({one_sent.purpose})"
    for name in found.briefs:
        yield f"  the brief {name} was published, and stands as it is"
    if found.said and found.done:
        again = "unlink" if found.asked.verb == "link" else "link"
        yield f"cxm {again} with the same two takes it back."


def _standing(found: Outcome) -> Iterator[str]:
    """Where the outcome is not what the word says, why."""
    if found.asked.verb == "unlink" and found.together:
        yield "They are one person still, by other links: unlink again to hold them apart, or see cxm person --why."
    if found.asked.verb == "link" and not found.together:
        yield "They are two people still: one of them is held apart from somebody of the other's; see cxm person --why."


def _people(found: Outcome, groups: Sequence[Group]) -> list[dict[str, object]]:
    return [
        {
            "person": group.person,
            "identifiers": [found.names[one].document for one in group.identifiers if one in found.names],
            "hidden": sum(one not in found.names for one in group.identifiers),
        }
        for group in groups
    ]


def _called(found: Outcome, group: Group) -> list[str]:
    said = [found.names[number].text for number in group.identifiers if number in found.names]
    hidden = len(group.identifiers) - len(said)
    return [*said, f"{output.count(hidden, 'identifiers')} that may not be shown"] if hidden else said


def _changed(one: Changed, zone: ZoneInfo) -> Iterator[str]:
    if not one.rows:
        return
    words = sorted({*one.before, *one.after})
    said = ", ".join(f"{word} {one.before[word]:,} -> {one.after[word]:,}" for word in words)
    yield f"{one.about}: {said}"
    for row in one.rows[:_MOST]:
        ending = " -> ".join(str(row[side]) for side in ("before", "after") if row[side] is not None)
        yield f"  {row['what']}: {row['at'].astimezone(zone):%Y-%m-%d %H:%M:%S}, {ending}"
    if len(one.rows) > _MOST:
        yield f"  and {output.count(len(one.rows) - _MOST, 'rows')} more: --json has them"
