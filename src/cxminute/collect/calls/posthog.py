"""Events of PostHog's clients in the form of the Segment specification.

A distinct id is an anonymous id until its event says that it was identified: an anonymous id taken for a person's own
would keep every later identification from joining the two.
"""

from __future__ import annotations

from typing import Final

from cxminute.collect.calls.essentials import Object, is_usable

KINDS: Final = {
    "$pageview": "page",
    "$screen": "screen",
    "$identify": "identify",
    "$set": "identify",
    "$set_once": "identify",
    "$create_alias": "alias",
    "$groupidentify": "group",
}
"""Kinds of PostHog's own events; all others are track calls under their own names."""

_PAGE: Final = {"$current_url": "url", "$pathname": "path", "$referrer": "referrer", "$title": "title"}
_SCREEN: Final = {"$screen_name": "name"}
_DROPPED: Final = ("token", "distinct_id", "$user_id", "$is_identified", "$process_person_profile")
"""Properties that say again what stands elsewhere, or a key."""


def translated(item: Object) -> Object:
    """An item of PostHog's clients as one of the Segment specification; what has no place there keeps its own name.

    Nothing in it makes this fail: what is wrong with it is for `essentials` to find.
    """
    made = {key: value for key, value in item.items() if key not in {"event", "distinct_id", "uuid", "properties"}}
    found = item.get("properties")
    told: Object = dict(found) if isinstance(found, dict) else {}
    if found is not None and not isinstance(found, dict):
        made["properties"] = found
    name = item.get("event")
    kind = KINDS.get(name, "track") if isinstance(name, str) else "track"
    distinct = item.get("distinct_id", told.get("distinct_id"))
    made |= {"type": kind, "messageId": item.get("uuid", item.get("messageId"))}
    if kind == "track":
        made["event"] = name
    if name == "$identify" or told.get("$is_identified") is True or _same(told.get("$user_id"), distinct):
        made["userId"] = distinct
        _keep(made, "anonymousId", told.pop("$anon_distinct_id", None))
    elif kind == "alias" and is_usable(told.get("alias")) and is_usable(distinct):
        made |= {"userId": told.pop("alias"), "previousId": distinct}
    else:
        made["anonymousId"] = distinct
    _groups(made, told, kind, distinct)
    _about_them(made, told, kind)
    context = _context(made, told)
    if kind in {"page", "screen"}:
        for own, usual in (_PAGE if kind == "page" else _SCREEN).items():
            if own in told:
                told.setdefault(usual, told.pop(own))
    for key in _DROPPED:
        told.pop(key, None)
    if told:
        made["properties"] = told
    if context:
        made["context"] = context
    return made


def is_nobodys(item: Object) -> bool:
    """Whether a translated item may belong to nobody: of a group, sent under an id that the client made up for it."""
    return item.get("type") == "group" and "groupId" in item


def _groups(made: Object, told: Object, kind: str, distinct: object) -> None:
    """The group that an event speaks of: of a group call, or where it names exactly one."""
    groups = told.get("$groups")
    if kind == "group":
        space, key = told.pop("$group_type", None), told.pop("$group_key", None)
        _keep(made, "groupId", key)
        if "groupId" in made and distinct == f"${space}_{key}":  # an id that the client made up for want of a person
            made.pop("anonymousId", None)
        if space is not None:
            told.setdefault("group_type", space)
    elif isinstance(groups, dict) and len(groups) == 1:
        [key] = groups.values()
        _keep(made, "groupId", key)


def _about_them(made: Object, told: Object, kind: str) -> None:
    """Traits: what an event sets of a person or a group. A person's go to the context, but of identify calls."""
    persons: Object = {}
    for place in (told, made):
        for key in ("$set_once", "$set"):
            found = place.pop(key, None)
            persons |= found if isinstance(found, dict) else {}
    groups = told.pop("$group_set", None) if kind == "group" else None
    if isinstance(groups, dict) and groups:
        made["traits"] = groups
    if persons and kind == "identify":
        made["traits"] = persons
    elif persons:
        told["$set"] = persons


def _context(made: Object, told: Object) -> Object:
    """What the specification has a place for in the context, under its names there."""
    found = made.pop("context", None)
    context: Object = dict(found) if isinstance(found, dict) else {}
    library = {key: told.pop(own) for own, key in (("$lib", "name"), ("$lib_version", "version")) if own in told}
    if library:
        context.setdefault("library", library)
    for own, key in (("$ip", "ip"), ("$raw_user_agent", "userAgent"), ("$user_agent", "userAgent")):
        if own in told:
            context.setdefault(key, told.pop(own))
    for own in ("$device_id", "$anon_distinct_id"):
        if own in told:
            context.setdefault("device", {"id": told.pop(own)})
    if "$set" in told:
        context["traits"] = told.pop("$set")
    return context


def _keep(made: Object, key: str, said: object) -> None:
    """An identifier beside the first, where it can be one; what cannot is no reason to set the event apart."""
    if is_usable(said):
        made[key] = said


def _same(one: object, other: object) -> bool:
    return one is not None and one == other
