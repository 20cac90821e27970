"""`cxm linkage`: from two sources' customers to one person, by a model that anybody can read, and back."""

from __future__ import annotations

import csv
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from benchmarks.linkage_people import draw
from cxminute.app.cli import run
from cxminute.app.people.identity import identity
from cxminute.app.people.linkage import accept
from cxminute.app.project import Project
from cxminute.store.proposals import Pair, Proposals

SOURCE = """name = "{name}"
format = "csv"
key = ["row"]
[identifiers]
{kind} = "who"
[properties]
first_name = "first_name"
last_name = "surname"
birthday = "birth"
contact = "email"
postcode = "postcode"
city = "city"
[[events]]
name = "Seen"
at = "at"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
train = true
personal = ["contact"]
"""
FIELDS = ("first_name", "surname", "birth", "email", "postcode", "city")
CANARY = "zzcanaryzz"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose customers are known by number, a desk that they write to, and one linkage over both, trained."""
    root = tmp_path_factory.mktemp("shop")
    (root / "sources").mkdir()
    (root / "cxm.toml").write_text('name = "shop"\n', "utf-8")
    seen, rows = set(), {"shop": list[list[Any]](), "desk": list[list[Any]]()}
    for record in draw(160, seed=11).to_pylist():
        name = "desk" if record["person"] in seen else "shop"
        seen.add(record["person"])
        told = [record[field] for field in FIELDS]
        rows[name].append([record["unique_id"], f"{name}-{record['unique_id']}", *told, "2026-01-02T10:00:00Z"])
    rows["desk"].append([999, "desk-999", CANARY, CANARY, "1970-01-01", None, None, None, "2026-01-02T10:00:00Z"])
    for name, kind in (("shop", "user_id"), ("desk", "anonymous_id")):
        (root / "sources" / f"{name}.toml").write_text(SOURCE.format(name=name, kind=kind), "utf-8")
        with (root / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["row", "who", *FIELDS, "at"], *rows[name]])
        assert run(["collect", str(root / f"{name}.csv"), "--source", name, "--project", str(root)]) == 0
    assert run(["linkage", "people", "init", "--project", str(root)]) == 0
    path = root / "linkage" / "people.toml"
    text = path.read_text("utf-8").replace('"properties.email"', '"properties.contact"')
    path.write_text(text.replace("[training]", "[training]\npairs = 20_000"), "utf-8")
    assert run(["check", "--project", str(root)]) == 0
    assert run(["linkage", "people", "train", "--project", str(root)]) == 0
    assert run(["linkage", "people", "score", "--project", str(root)]) == 0
    return root


def asked(capsys: pytest.CaptureFixture[str], root: Path, *words: str, status: int = 0) -> dict[str, Any]:
    """What a command answers, as a document."""
    capsys.readouterr()
    assert run(["linkage", *words, "--json", "--project", str(root)]) == status
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def refused(capsys: pytest.CaptureFixture[str], root: Path, *words: str) -> str:
    """What a command says that cannot be done."""
    capsys.readouterr()
    assert run(["linkage", *words, "--project", str(root)]) in (1, 2, 3)
    return capsys.readouterr().err


def test_proposals_are_explained_without_a_value(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each pair's fields add up to its weight, in the answer and in the state, and nobody's value stands in either."""
    found = asked(capsys, shop, "people", "review", "--limit", "100")["proposals"]
    assert len(found) > 20
    for one in found:
        assert one["explained"][-1]["after"] == pytest.approx(one["weight"], abs=0.01)
        assert one["a"] < one["b"]
        assert "values" not in one
    told = {str(value) for field in FIELDS for value in draw(160, seed=11)[field].to_pylist() if value}
    kept = " ".join(one.explained for one in Proposals(Project(shop).log.state).of("people", None))
    assert not [value for value in told if f'"{value}"' in json.dumps(found) + kept]


def test_values_are_shown_for_a_purpose_alone(shop: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """To show what records say, a purpose is stated that the contracts allow; a picture never holds any."""
    assert "needs a purpose of its own" in refused(capsys, shop, "people", "review", "--values")
    assert "does not allow 'marketing'" in refused(
        capsys, shop, "people", "review", "--values", "--purpose", "marketing"
    )
    words = ("people", "review", "--limit", "1", "--values", "--purpose", "service-optimisation")
    (one,) = asked(capsys, shop, *words, "--chart", str(tmp_path / "pair.svg"))["proposals"]
    assert len(one["values"]["birth"]) == 2
    picture = (tmp_path / "pair.svg").read_text("utf-8")
    assert "birth" in picture
    assert one["values"]["birth"][0] not in picture


def test_what_is_accepted_is_one_person(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bond with the model and the weight as its evidence; to accept it again, or after a kill, changes nothing."""
    first = asked(capsys, shop, "people", "review", "--limit", "1")["proposals"][0]
    assert asked(capsys, shop, "people", "accept", str(first["number"]))["done"] == [first["number"]]
    project = Project(shop)
    known = identity(project)
    assert known.person(first["a"]) == known.person(first["b"])
    (bond,) = [one for one in project.bonds.standing() if one.pair == (first["a"], first["b"])]
    assert (bond.how, bond.said) == ("linkage", "linked")
    assert bond.why == f"people, model {first['model'][:12]}, match weight {first['weight']:.1f}"
    again = asked(capsys, shop, "people", "accept", str(first["number"]))
    assert (again["done"], again["decided_before"]) == ([], [{"number": first["number"], "state": "accepted"}])
    assert len(project.bonds.history([first["a"], first["b"]])) == 1


def test_an_accepting_that_was_killed_is_made_good(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed between the bond and the proposal, the same command closes the proposal; one bond stands."""
    first = asked(capsys, shop, "people", "review", "--limit", "1")["proposals"][0]
    project = Project(shop)
    project.bonds.say([(first["a"], first["b"])], "linked", how="linkage", why="cut short", known_at=1)
    assert asked(capsys, shop, "people", "accept", str(first["number"]))["done"] == [first["number"]]
    assert [one.why for one in project.bonds.history([first["a"]]) if one.pair == (first["a"], first["b"])] == [
        "cut short"
    ]


def test_what_is_declined_is_not_proposed_again(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not by the same model, however often it is asked; what is proposed otherwise comes again."""
    first, second = asked(capsys, shop, "people", "review", "--limit", "2")["proposals"]
    assert asked(capsys, shop, "people", "decline", str(first["number"]))["done"] == [first["number"]]
    before = asked(capsys, shop, "people", "score")
    pairs = [(one["a"], one["b"]) for one in asked(capsys, shop, "people", "review", "--limit", "999")["proposals"]]
    assert (first["a"], first["b"]) not in pairs
    assert (second["a"], second["b"]) in pairs
    assert asked(capsys, shop, "people", "score") == before


def test_two_who_identified_themselves_are_not_made_one(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A proposal that would give one person two user ids is not accepted, and says why; nothing else is changed."""
    project = Project(shop)
    known = identity(project)
    users = project.vault.people()
    numbers = [
        number
        for number, kind in zip(users["number"].to_pylist(), users["kind"].to_pylist(), strict=True)
        if kind == "user_id"
    ]
    one, other = sorted({known.person(number) for number in numbers[:2]})
    Proposals(project.log.state).put("people", "test", [Pair(one, other, 20.0, 1.0, "{}")], 1)
    (proposal,) = Proposals(project.log.state).of("people")
    said = asked(capsys, shop, "people", "accept", str(proposal.id), status=1)
    assert said["held"] == [{"number": proposal.id, "why": "user_id"}]
    assert accept(project, "people", [proposal.id], 2).done == ()
    assert identity(project).person(one) != identity(project).person(other)
    asked(capsys, shop, "people", "score")


def test_who_was_linked_by_hand_can_still_be_found_elsewhere(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A customer with two numbers, linked by hand, is accepted as the visitor of the desk; nobody else is added."""
    project = Project(shop)
    users = project.vault.people()
    kinds = dict(zip(users["number"].to_pylist(), users["kind"].to_pylist(), strict=True))
    known, customers = identity(project), [number for number, kind in kinds.items() if kind == "user_id"]
    found = asked(capsys, shop, "people", "review", "--limit", "999")["proposals"]
    first = next(one for one in found if sorted((kinds[one["a"]], kinds[one["b"]])) == ["anonymous_id", "user_id"])
    mine = first["a"] if kinds[first["a"]] == "user_id" else first["b"]
    other = next(number for number in reversed(customers) if known.profiles(known.person(number)).size == 1)
    said = ("--because", "one woman, two numbers", "--project", str(shop))
    assert run(["link", f"#{mine}", f"#{other}", *said]) == 0
    assert asked(capsys, shop, "people", "accept", str(first["number"]))["done"] == [first["number"]]
    now = identity(Project(shop))
    assert now.person(first["a"]) == now.person(first["b"]) == now.person(other)
    assert run(["unlink", f"#{mine}", f"#{other}", *said]) == 0


def test_whose_data_is_only_kept_is_not_compared(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who restricted the use of their data is in no record and no proposal, and is counted with the reason."""
    first = asked(capsys, shop, "people", "review", "--limit", "1")["proposals"][0]
    said = ("--because", "asked by mail", "--project", str(shop))
    assert run(["consent", "set", f"#{first['a']}", "*", "restricted", *said]) == 0
    shown = ("people", "review", str(first["number"]), "--values", "--purpose", "service-optimisation")
    assert "may not be shown" in refused(capsys, shop, *shown)
    assert asked(capsys, shop, "people", "score")["left"] == {"restricted": 1}
    ends = {
        end
        for one in asked(capsys, shop, "people", "review", "--limit", "999")["proposals"]
        for end in (one["a"], one["b"])
    }
    assert first["a"] not in ends
    assert run(["consent", "set", f"#{first['a']}", "*", "lifted", *said]) == 0
    assert asked(capsys, shop, "people", "score")["left"] == {}


def test_labels_tell_how_right_it_is(shop: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Precision, recall and F1 by weight, over pairs that somebody judged; labels of nobody are counted."""
    records = draw(160, seed=11).to_pylist()
    of: dict[int, list[str]] = {}
    for record in records:
        of.setdefault(record["person"], []).append(str(record["unique_id"]))
    rows = [["one", "other", "same"]]
    for first, *others in of.values():
        rows += [[f"shop-{first}", f"desk-{other}", "yes"] for other in others]
    heads = [first for first, *_ in of.values()]
    rows += [[f"shop-{one}", f"shop-{other}", "no"] for one, other in pairwise(heads)]
    rows.append(["shop-none", "desk-none", "yes"])
    with (tmp_path / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    found = asked(capsys, shop, "people", "score", "--labels", str(tmp_path / "labels.csv"))
    at = {one["weight"]: one for one in found["accuracy"]}
    assert found["labels_of_nobody"] >= 1
    assert at[4.0]["precision"] > 0.95
    assert at[0.0]["recall"] >= at[4.0]["recall"] >= at[12.0]["recall"]
    (tmp_path / "labels.csv").write_text("one,other,same\nshop-1,desk-2,perhaps\n", "utf-8")
    assert "row 1: 'same' is neither yes nor no" in refused(
        capsys, shop, "people", "score", "--labels", str(tmp_path / "labels.csv")
    )


def test_what_is_wrong_is_said_before_anything_is_read(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is not defined, numbers that were never proposed, options that mean nothing there."""
    assert "There is no linkage 'peple'. Did you mean 'people'?" in refused(capsys, shop, "peple", "train")
    assert "There is no proposal of 'people' '99999'" in refused(capsys, shop, "people", "accept", "99999")
    assert "It says not what to accept" in refused(capsys, shop, "people", "accept")
    assert "--labels stands with score alone" in refused(capsys, shop, "people", "train", "--labels", "x.csv")
    assert "linkage/people.toml exists" in refused(capsys, shop, "people", "init")
    assert asked(capsys, shop)["linkages"][0]["trained"]


def test_a_model_is_of_its_definition(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A linkage without a model, or whose comparisons were changed since, is trained first: it says so."""
    path = shop / "linkage" / "people.toml"
    text = path.read_text("utf-8")
    (shop / "linkage" / "other.toml").write_text(text.replace('name    = "people"', 'name = "other"'), "utf-8")
    try:
        assert "Linkage 'other' has no model yet" in refused(capsys, shop, "other", "score")
        path.write_text(text.replace('form  = "date"', 'form  = "text"'), "utf-8")
        assert "before the comparisons were changed" in refused(capsys, shop, "people", "score")
    finally:
        path.write_text(text, "utf-8")
        (shop / "linkage" / "other.toml").unlink()


def test_a_source_that_may_not_be_linked_is_refused(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`cxm check` names the clause of the contract, and the line."""
    path = shop / "sources" / "desk.toml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("train = true", "train = true\nlink = false"), "utf-8")
    try:
        assert run(["check", "--project", str(shop)]) == 1
        said = capsys.readouterr().out
    finally:
        path.write_text(text, "utf-8")
    assert "Linkage 'people' would link to other people those of source 'desk'. This breaks 'desk: link'." in said


def test_what_weighs_enough_may_be_accepted_unseen(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the definition alone: from its weight on pairs become one person, and nobody gets two user ids by it."""
    path = shop / "linkage" / "people.toml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("# accept = 12", "accept = 12"), "utf-8")
    try:
        found = asked(capsys, shop, "people", "score")
    finally:
        path.write_text(text, "utf-8")
    assert len(found["accepted"]) > 10
    project = Project(shop)
    taken = Proposals(project.log.state).get("people", found["accepted"])
    known = identity(project)
    assert all(one.weight >= 12 and known.person(one.a) == known.person(one.b) for one in taken)
    people = project.vault.people()
    kinds = zip(people["number"].to_pylist(), people["kind"].to_pylist(), strict=True)
    users = [known.person(number) for number, kind in kinds if kind == "user_id"]
    assert len(users) == len(set(users))
