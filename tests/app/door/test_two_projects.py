"""Two projects on one server never see each other: over every command there is, and every endpoint there is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from typing import Final

import pytest
from cyclopts import App
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.running import Door
from cxminute.app.cli import COMMANDS
from tests.app.door.two_projects import Reply, Said, Shop, ask, new_word, stands_in, told
from tests.clients.known import known
from tests.clients.projects import new_key

READS: Final[dict[str, list[list[str]]]] = {
    "check": [["check"], ["check", "--json"]],
    "collects": [["collects"], ["collects", "--json"]],
    "collects balance": [["collects", "balance", "--since", "2026-01-01", "--json"], ["collects", "balance"]],
    "consent": [["consent"], ["consent", "u1"], ["consent", "u1", "--history", "--json"]],
    "doctor": [["doctor"]],
    "events": [
        ["events"],
        ["events", "--json"],
        ["events", "--unexplained", "--json"],
        ["events", "--infer", "--source", "web"],
    ],
    "flows": [["flows"], ["flows", "--anchor", "Ordered", "--json"]],
    "journeys": [["journeys"], ["journeys", "order", "--json"], ["journeys", "order", "--by", "carrier"]],
    "keys": [["keys"], ["keys", "--json"]],
    "lifecycle": [["lifecycle", "--json"]],
    "linkage": [["linkage"], ["linkage", "--json"]],
    "marketplaces": [["marketplaces"], ["marketplaces", "--json"]],
    "minute": [["minute", "--week", "2026-W46", "--form", "markdown"], ["minute", "--week", "2026-W45", "--json"]],
    "people": [["people"], ["people", "--json"]],
    "accounts": [["accounts"], ["accounts", "--json"]],
    "person": [["person", "u1"], ["person", "u1", "--json"], ["person", "u1", "--why", "--json"]],
    "promises": [["promises", "--json"], ["promises", "delivery", "--by", "carrier"]],
    "quarantine": [["quarantine"], ["quarantine", "--json"]],
    "quarantine show": [["quarantine", "show"], ["quarantine", "show", "--json"]],
    "requests": [["requests"], ["requests", "--everything", "--json"]],
    "retention": [["retention", "--json"]],
    "stickiness": [["stickiness", "--json"]],
}
"""Commands that read a project."""
WRITES: Final[dict[str, list[list[str]]]] = {
    "collect": [["collect", "{root}/orders.csv", "--source", "orders"]],
    "collects undo": [["collects", "undo", "{collect}"]],
    "quarantine mend": [["quarantine", "mend", "--source", "web", "userId=properties.carrier"]],
    "quarantine replay": [["quarantine", "replay", "--source", "web"]],
    "consent import": [["consent", "import", "{root}/said.csv", "--source", "web"]],
    "consent set": [["consent", "set", "u1", "marketing", "granted", "--because", "by telephone"]],
    "keys add": [["keys", "add", "--source", "web"]],
    "keys rotate": [["keys", "rotate", "--source", "web"]],
    "keys revoke": [["keys", "revoke", "{prefix}"]],
    "link": [["link", "u1", "u2", "--because", "alike"]],
    "unlink": [["unlink", "u1", "u2", "--because", "not alike"]],
    "retain": [["retain"], ["retain", "--dry-run", "--json"]],
    "export": [["export", "u3", "--out", "{beside}/export.zip"]],
    "requests add": [["requests", "add", "access", "--about", "u1"]],
    "requests check": [["requests", "check", "1", "--how", "answered a mail to the address on file"]],
    "requests extend": [["requests", "extend", "1", "--because", "many places are looked through"]],
    "requests refuse": [["requests", "refuse", "1", "--because", "asked for every week"]],
    "requests done": [["requests", "add", "access", "--about", "u1"], ["requests", "done", "2"]],
    "forget": [["forget", "u4", "--dry-run", "--json"], ["forget", "u4"], ["forget", "u4", "--proofs"]],
    "backup": [["backup", "{beside}/backup"]],
}
"""Commands that write to a project, in an order in which each has something to do."""
ELSEWHERE: Final = {
    "demo": "makes a project of its own, from a seed",
    "init": "makes a project of its own, from a template or a file",
    "pull": "asks an API that the source names, and collects each page of it as `collect` does",
    "restore": "makes a project of its own, from a backup",
    "schema": "tells of definition files as such, and of a project at most what its purposes are called",
    "serve": "is the door, whose endpoints are walked below",
}
"""Commands that read no project, and why."""
UNSTEADY: Final = {"doctor"}
"""Commands that also tell of the machine, which changes from one run to the next."""

EVENTS: Final = "takes events with a write key"
SETTINGS: Final = "tells the browser client where its key's events go"
OPERATOR: Final = "is for who runs the server: it names projects and sources, and nothing that lies in them"
HOOKS: Final = "takes webhooks with a write key, and a signature over them"
NOBODY: Final = "tells of the server as such"


def kind_of(path: str) -> str | None:
    """What an endpoint is for; None for one that nobody has classified yet."""
    path = path.rstrip("/")
    if path in {"/metrics", "/ready"}:
        return OPERATOR
    if path in {"/health", "/openapi.json"}:
        return NOBODY
    if path.startswith("/v1/hooks/"):
        return HOOKS
    if path.startswith("/v1/projects/") and path.endswith("/settings"):
        return SETTINGS
    single = {"identify", "track", "page", "screen", "group", "alias", "i", "t", "p", "s", "g", "a"}
    if path in {f"/v1/{name}" for name in single | {"batch", "b", "import", "events"}}:
        return EVENTS
    return EVENTS if path in {"/batch", "/capture", "/e", "/i/v0/e"} else None


def commands() -> set[str]:
    """Every command line there is, without its arguments: commands, and what lies below them."""
    found = set()
    for name, (place, _) in COMMANDS.items():
        module, _, attribute = place.partition(":")
        command = getattr(import_module(f"cxminute.app.commands.{module}"), attribute)
        if not isinstance(command, App):
            found.add(name)
            continue
        if command.default_command is not None:
            found.add(name)
        found |= {f"{name} {below}" for below in command if not below.startswith("-")}
    return found


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Shop]:
    """Ours and theirs."""
    ours, theirs = (Shop(tmp_path_factory.mktemp(name), new_word()) for name in ("ours", "theirs"))
    for shop in (ours, theirs):
        shop.write()
        shop.key = new_key(shop.root, "web")
    return ours, theirs


@pytest.fixture(scope="module")
def door(shops: tuple[Shop, Shop]) -> Iterator[Door]:
    """One server for both."""
    opened = Door([shop.root for shop in shops])
    try:
        opened.start()
        yield opened
    finally:
        opened.kill()


def send(door: Door, shop: Shop) -> None:
    """A shop's events, by its key, until they are in its log."""
    batch = {"batch": shop.batch(), "sentAt": "2026-11-20T00:00:00Z"}
    reply = ask(door, "POST", "/v1/batch", batch | {"sentAt": None}, shop.key)
    assert reply.status == 200, reply
    assert door.drained(within=30), door.tail()


def answers(shop: Shop) -> dict[str, Said]:
    """What every reading command says of a shop."""
    return {" ".join(line): told(line, shop.root) for lines in READS.values() for line in lines}


@pytest.fixture(scope="module")
def before(shops: tuple[Shop, Shop], door: Door) -> dict[str, Said]:
    """What commands say of our shop before theirs holds anything."""
    send(door, shops[0])
    return answers(shops[0])


@pytest.fixture(scope="module")
def after(before: dict[str, Said], shops: tuple[Shop, Shop], door: Door) -> dict[str, Said]:
    """What they say once theirs has sent the same messages of the same people, saying other things."""
    assert before
    send(door, shops[1])
    return answers(shops[0])


def test_every_command_is_classified() -> None:
    """Whether a command reads or writes a project, or neither, is said here for each that exists."""
    assert commands() == {*READS, *WRITES, *ELSEWHERE}


def test_no_command_over_ours_tells_of_theirs(after: dict[str, Said], shops: tuple[Shop, Shop]) -> None:
    """What another project holds stands in no answer over this one, of any command; and each command answers."""
    ours, theirs = shops
    failed = {line: said for line, said in after.items() if said.code != 0}
    assert not failed
    assert not [line for line, said in after.items() if theirs.word in said.out + said.err]
    assert theirs.key not in "".join(said.out + said.err for said in after.values())
    assert any(ours.word in said.out for said in after.values())


def test_no_figure_of_ours_changes_by_what_theirs_holds(before: dict[str, Said], after: dict[str, Said]) -> None:
    """The same people, messages, sources and events in another project change no word and no figure over this one."""
    changed = [line for line in before if before[line] != after[line] and line.split()[0] not in UNSTEADY]
    assert not changed


def test_each_project_knows_its_own_people_alone(after: dict[str, Said], shops: tuple[Shop, Shop]) -> None:
    """A person of another project is as unknown here as one that does not exist."""
    assert after
    ours, theirs = shops
    [of_theirs, of_nobody] = [told(["person", name], ours.root) for name in (f"{theirs.word}-user", "nobody-at-all")]
    assert of_theirs.code == of_nobody.code != 0
    assert of_theirs.err.replace(f"{theirs.word}-user", "nobody-at-all") == of_nobody.err
    assert told(["person", f"{theirs.word}-user"], theirs.root).code == 0


def test_nothing_of_theirs_lies_in_our_folder(after: dict[str, Said], shops: tuple[Shop, Shop]) -> None:
    """No file of a project, whatever its form, has a word of another's in its bytes."""
    assert after
    ours, theirs = shops
    assert stands_in(theirs.root, theirs.word)
    assert not stands_in(ours.root, theirs.word)
    assert not stands_in(theirs.root, ours.word)


@pytest.fixture(scope="module")
def described(door: Door) -> dict[str, list[str]]:
    """Every endpoint of the OpenAPI document, with its methods."""
    document = json.loads(ask(door, "GET", "/openapi.json").body)
    methods = {"get", "post", "put", "delete", "patch", "head", "options"}
    return {path: sorted(methods & set(item)) for path, item in document["paths"].items()}


def test_every_endpoint_is_classified(described: dict[str, list[str]]) -> None:
    """What an endpoint is for is said here for each that the OpenAPI document has."""
    assert described
    assert not [path for path in described if kind_of(path) is None]


def test_no_endpoint_tells_ours_of_theirs(
    after: dict[str, Said], described: dict[str, list[str]], door: Door, shops: tuple[Shop, Shop]
) -> None:
    """No answer to our key, on any endpoint, tells of another project; pages of the operator name it, and no more."""
    assert after
    ours, theirs = shops
    for path, methods in described.items():
        for method in methods:
            reply = ask(
                door, method.upper(), path.replace("{writeKey}", ours.key).replace("{key}", ours.key), {}, ours.key
            )
            said = json.dumps([reply.headers, reply.body])
            assert theirs.key not in said
            if kind_of(path) is OPERATOR:
                held = {
                    f"{theirs.word}{what}" for what in (" Event", "-user", "-anon", "-group", "-message", "-page", "@")
                }
                assert not [what for what in held if what in said], path
                assert ours.key not in said
            else:
                assert theirs.word not in said, path


def test_a_key_writes_to_its_own_project_alone(
    after: dict[str, Said], described: dict[str, list[str]], door: Door, shops: tuple[Shop, Shop]
) -> None:
    """Whatever is sent with our key, to any endpoint, saying any source or project, leaves theirs as it was."""
    assert after
    ours, theirs = shops
    stood = theirs.look()
    for number, path in enumerate(path for path in described if kind_of(path) is EVENTS):
        item = {
            "type": "track", "event": "Claimed", "userId": "u1", "messageId": f"claimed-{number}", "distinct_id": "u1",
            "source": theirs.word, "project": f"{theirs.word}-shop", "sourceId": theirs.word,
            "projectId": str(theirs.root),
        }  # fmt: skip
        event = {
            "specversion": "1.0",
            "id": f"claimed-{number}",
            "source": f"/{theirs.word}-shop/web",
            "type": "x",
            "subject": "u1",
        }
        body: object = {"batch": [item]} if "batch" in path or path.rstrip("/")[-2:] == "/b" else item
        body = event if "events" in path else body
        kind = {"Content-Type": "application/cloudevents+json"} if "events" in path else {}
        asked: Reply = ask(door, "POST", path, body, ours.key, **kind)
        assert asked.status in (200, 400), (path, asked)
        if isinstance(body, dict) and "events" not in path:
            both = ask(door, "POST", path, body | {"writeKey": theirs.key, "api_key": theirs.key}, ours.key)
            assert both.status in (400, 401), (path, both)
    assert door.drained(within=30), door.tail()
    assert any(event.id.startswith("claimed-") for event in known(ours.root))
    assert theirs.look() == stood


def test_a_command_over_ours_leaves_theirs_as_it_was(
    after: dict[str, Said], shops: tuple[Shop, Shop], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No command that writes to one project changes another, whose ids, keys and collects have the same names."""
    assert after
    ours, theirs = shops
    stood, beside = theirs.look(), tmp_path_factory.mktemp("beside")
    for line in [line for lines in WRITES.values() for line in lines]:
        collects = json.loads(told(["collects", "--json"], ours.root).out)["collects"]
        prefixes = [key["prefix"] for key in json.loads(told(["keys", "--json"], ours.root).out)["keys"]]
        known_as = {"root": ours.root, "collect": collects[-1]["number"], "prefix": prefixes[-1], "beside": beside}
        said = told([word.format(**known_as) for word in line], ours.root)
        assert said.code == 0, (line, said)
        assert theirs.word not in said.out + said.err, line
    assert theirs.look() == stood
    assert not stands_in(beside, theirs.word)
    restored = beside / "restored"
    assert told(["restore", f"{beside}/backup", str(restored)], None).code == 0
    back, held = known(restored), known(ours.root)
    assert back
    assert {(event.id, event.name) for event in back} <= {(event.id, event.name) for event in held}
    assert all("claimed" in event.id for event in back if theirs.word in repr(event))  # ours named theirs, above


turns = st.lists(
    st.tuples(st.booleans(), st.integers(0, 9), st.sampled_from(["Ordered", "Delivered"]), st.integers(0, 3)),
    max_size=30,
)


@pytest.mark.usefixtures("after")  # not as an argument: hypothesis would write all of it out
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=turns)
def test_whoever_sends_in_whatever_order_each_has_its_own(
    turns: list[tuple[bool, int, str, int]], door: Door, shops: tuple[Shop, Shop]
) -> None:
    """Of messages with the same ids, sent to both in any order, each project holds those of its own key, each once."""
    round_ = new_word()
    wanted: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for to_theirs, message, name, person in turns:
        shop = shops[to_theirs]
        item = {
            "event": name,
            "userId": f"u{person}",
            "messageId": f"{round_}-{message}",
            "properties": {"carrier": shop.word},
        }
        assert ask(door, "POST", "/v1/track", item, shop.key).status == 200
        wanted[to_theirs][f"{round_}-{message}"] = 1
    assert door.drained(within=30), door.tail()
    for shop, messages in zip(shops, wanted, strict=True):
        found = [event for event in known(shop.root) if event.id.startswith(round_)]
        assert Counter(event.id for event in found) == messages
        assert all(event.said["properties"]["carrier"] == shop.word for event in found)
