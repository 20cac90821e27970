"""A project in which one person stands in every field, channel and file, by a word that is found nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from cxminute.app.collecting import collect_file, undo
from cxminute.app.door.draining import Drain
from cxminute.app.project import Project
from cxminute.app.replaying import replay
from cxminute.model.calls import HOOK, Call
from cxminute.store.bonds import APART, LINKED, NOTHING
from cxminute.store.consents import Saying
from cxminute.store.disclosures import THE_PERSON, Disclosures
from cxminute.store.merges import Merge, Merges
from cxminute.store.profiles import Span
from cxminute.store.whole import whole
from tests.collect.readers.shops import shopify_order
from tests.store.vaults import personal_of

WORD, OPEN = "Qz7Canary", "Qz7Open"
"""What is planted where a person's identifiers and personal values stand, and where an event says what is open."""
NOON = 1_780_000_000_000
CONTRACT = '[contract]\norigin = "first-party"\npurposes = ["service-optimisation", "service-provision"]\n'
ORDERS = """name = "orders"
format = "csv"
key = ["order"]
[identifiers]
user_id = "customer"
order_id = "order"
[properties]
email = "email"
first_name = "first_name"
colour = "colour"
[[events]]
name = "Ordered"
at = "ordered"
"""
VISITS = """name = "visits"
format = "ndjson"
[identifiers]
user_id = "who"
anonymous_id = "cookie"
[properties]
phone = "phone"
[[events]]
name = "Visited"
at = "at"
"""
SITE = """name = "site"
format = "http"
[identifiers]
order_id = "properties.order_id"
"""
SHOP = 'name = "shop"\nformat = "shopify"\n[hooks]\nsecret = ["env:SHOP_SECRET"]\n'
BRIEF = "<p>3 of 4 orders came in time: 75.0 %</p>\r\n"
HEAD = "order,customer,email,first_name,colour,ordered"
BEFORE = "2026-03-02T10:00:00Z"


WHO, OTHER = f"{WORD}-user", "bo"


def plain(who: str) -> str:
    """What stands of somebody where an event is open."""
    return OPEN if who == WHO else who


def row(who: str, order: str, *, at: str = BEFORE, colour: str = "red") -> str:
    """A line of the shop's file."""
    return f"{order},{who},{who.lower()}@example.com,{who} first,{colour},{at}"


def sent(who: str, number: int, ids: str) -> list[dict[str, Any]]:
    """Calls of every kind that a site makes of somebody; ids: begins the numbers that it gives to them."""
    about, said = {"userId": who, "timestamp": BEFORE}, plain(who)
    return [
        {"type": "identify", "messageId": f"{ids}-i{number}", **about, "traits": {"email": f"{who}@door.example",
         "phone": f"+49 30 {number}1234567", "name": f"{who} name", "plan": f"{who} plan"}},
        {"type": "track", "messageId": f"{ids}-t{number}", **about, "event": "Order Completed",
         "properties": {"order_id": f"{ids}-door", "gift": f"{said} gift", "list": [f"{said} in a list"],
                        "comment": f"{who} comment"}},
        {"type": "alias", "messageId": f"{ids}-a{number}", **about, "previousId": f"{who}-before"},
        {"type": "group", "messageId": f"{ids}-g{number}", **about, "groupId": f"{who}-firm",
         "traits": {"town": f"{who} town"}},
        {"type": "page", "messageId": f"{ids}-p{number}", **about, "anonymousId": f"{who}-cookie",
         "context": {"page": {"url": f"https://shop.example/{said}"}, "ip": f"{who} ip"}},
    ]  # fmt: skip


def call(items: Sequence[Any], *, source: str = "site") -> Call:
    """One call of the door."""
    return Call(source, NOON, "segment", "", len(items), json.dumps({"batch": list(items)}).encode())


def hook(number: int, who: str, ids: str) -> Call:
    """A shop's webhook of an order, with somebody in every place that a person has."""
    order = shopify_order(
        id=number,
        name=f"#{plain(who)}",
        email=f"{who}@example.com",
        contact_email=f"{who}@example.com",
        phone=None,
        note=f"{who} note",
        customer=None,
        shipping_address={"name": f"{who} ship", "city": f"{who} city", "phone": None, "country_code": "DE"},
        fulfillments=[],
        refunds=[],
    )
    body = json.dumps({"message": f"{ids}-d{number}", "topic": "orders/updated", "document": json.dumps(order)})
    return Call("shop", NOON, HOOK, "orders/updated", 1, body.encode())


def make(root: Path, state: str = "") -> Project:
    """A project with a person planted everywhere, and others beside."""
    (root / "sources").mkdir(parents=True)
    (root / "cxm.toml").write_text(f'name = "planted"\n{f"state = {json.dumps(state)}" if state else ""}\n', "utf-8")
    for name, text in (("orders", ORDERS), ("visits", VISITS), ("site", SITE), ("shop", SHOP)):
        (root / "sources" / f"{name}.toml").write_text(f"{text}{CONTRACT}", "utf-8")
    project = Project(root)
    files(project, OPEN)
    project.inbox.put(
        [call([*sent(WHO, 1, OPEN), *sent(OTHER, 2, OTHER)]), hook(5001, WHO, OPEN), hook(5002, OTHER, OTHER)]
    )
    bad = {
        "type": "track",
        "messageId": f"{OPEN}-bad",
        "userId": WHO,
        "event": "Order Completed",
        "timestamp": f"{WORD} never",
    }
    project.inbox.put([call([bad, {**bad, "userId": OTHER, "messageId": "bo-bad"}])])
    only = {"type": "track", "messageId": f"{OPEN}-n", "userId": WHO, "timestamp": BEFORE, "event": f"{OPEN} named"}
    project.inbox.put([call([only])])
    drain = Drain(project)
    while drain.once(NOON).events:
        pass
    beside(project)
    return project


def take(project: Project, source: str, name: str, lines: Sequence[str]) -> int:
    """Collects a file of these lines; returns the collect's number. The file is not the project's: it goes."""
    path = project.root / name
    path.write_text("\n".join(lines), "utf-8")
    done = collect_file(project, path, project.source(source), NOON, lambda *_: None).told.id
    path.unlink()
    return done


def files(project: Project, ids: str) -> None:
    """Files in two formats, one corrected, one taken back, one with a bad row, one of them replayed."""
    rows = [HEAD, row(WHO, f"{ids}-o1", colour=f"{OPEN} hue"), row(OTHER, "bo-o1")]
    take(project, "orders", f"{WORD}-user.csv", rows)
    rows[1] = row(WHO, f"{ids}-o1", colour=f"{OPEN} corrected")
    take(project, "orders", "b.csv", rows)
    undo(project, take(project, "orders", "c.csv", [HEAD, row(WHO, f"{ids}-o2"), row(OTHER, "bo-o2")]))
    bad = [row(WHO, f"{ids}-o3", at=f"{WORD} never"), row(OTHER, "bo-o3", at="never")]
    take(project, "orders", "d.csv", [HEAD, *bad])
    replay(project, project.source("orders"), NOON)
    visit = {"who": WHO, "cookie": f"{WHO}-cookie", "phone": "+49 151 7654321", "at": BEFORE, "free": f"{OPEN} free"}
    other = {"who": OTHER, "cookie": "bo-cookie", "phone": "+49 151 1111111", "at": BEFORE, "free": "bo free"}
    take(project, "visits", "v.ndjson", [json.dumps(one) for one in (visit, other, {**visit, "at": f"{WORD} noon"})])


def beside(project: Project) -> None:
    """What is kept beside the log: consents, merges and unmerges, requests, disclosures, briefs, exports, the index."""
    number, other = (project.vault.number("user_id", name) or 0 for name in (WHO, OTHER))
    bonds = project.bonds
    for turn in range(20):
        said = (LINKED, NOTHING, APART, NOTHING)[turn % 4]
        bonds.say([(number, other)], said, how="hand", why=f"{WORD} {turn}", known_at=NOON + turn)
    for purpose, who in (("service-provision", number), ("service-optimisation", other)):
        why = f"{WORD} by letter" if who == number else "by letter"
        project.consents.say([Saying(who, purpose, "granted", "hand", NOON, why=why)], NOON)
    Merges(project.log.state).note([Merge("merge", other, number, None, None, "hand", "", NOON, NOON)])
    Disclosures(project.log.state).note([number, other], THE_PERSON, "service-provision", "everything", NOON)
    for kind in ("erasure", "access"):
        project.requests.add(kind, {"user_id": [WHO]}, NOON)
    project.requests.add("access", {"user_id": [OTHER]}, NOON)
    for name, text in (("briefs/2026-W10.html", BRIEF), ("briefs/2026-W11.html", f"<p>2 of 4; see {WHO}.</p>"),
                       ("exports/people.csv", f"id,count\n{WHO},7\nbo,7\n")):  # fmt: skip
        (project.folder / name).parent.mkdir(exist_ok=True)
        (project.folder / name).write_bytes(text.encode())
    for per in ("person", "order_id"):
        told = project.subjects(per, project.permit(), paths=("properties.colour",))
        for bucket in told.buckets():
            told.read(bucket).column("properties.colour")


def of_others(project: Project) -> list[str]:
    """All that the log and the vault say of others, as text, in order."""
    said = []
    values = dict(personal_of(project.log))
    for one in whole(project.log.pieces(()), Span(), "person"):
        told = (
            f"{one.id} {one.name} {one.at} {one.subject} {sorted(one.values.items())} {one.rest} {values.get(one.id)}"
        )
        if not any(one.lower() in told.lower() for one in (WORD, OPEN)):
            said.append(told)
    return sorted(said)


def bytes_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder, as it lies there; of Parquet also every row, since what is compressed hides words."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path), path.read_bytes()
            if path.suffix in (".parquet", ".side"):
                with duckdb.connect() as duck:
                    yield f"rows of {path}", str(duck.read_parquet(str(path)).fetchall()).encode()


def standing(folder: Path, words: Sequence[str] = (WORD, OPEN)) -> list[str]:
    """Files below a folder in which one of the words stands, whatever its case."""
    wanted = [one.lower().encode() for one in words]
    return [name for name, said in bytes_of(folder) if any(one in said.lower() for one in wanted)]
