"""`cxm check` of a project whose events come through the door: any name may come, what is personal stays personal."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxminute.app.project import read_definitions

WEBSITE = """
name   = "website"
format = "http"
[properties]
total = { type = "number" }
[contract]
origin   = "first-party"
purposes = ["service-optimisation"]
personal = ["properties.diagnosis"]
"""
JOURNEY = 'name = "j"\nper = "%s"\npattern = \'%s\'\nwindow = "2 days"\n'
PROMISE = 'name = "p"\nper = "group_id"\nmade = "Bought"\ndue = "due"\nkept = "Sent"\n'


def told(root: Path, **files: str) -> list[str]:
    """The faults of a project with this source and these files."""
    texts = {"cxm.toml": 'name = "shop"\n', "sources/website.toml": WEBSITE}
    texts |= {name.replace("_", "/") + ".toml": text for name, text in files.items()}
    for name, text in texts.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return [str(fault) for fault in read_definitions(root).faults]


def test_any_event_and_any_property_may_come(tmp_path: Path) -> None:
    """A journey over what nobody declared is well defined; groups are subjects without being declared."""
    journey = JOURNEY % (
        "group_id",
        'Bought where (carrier = "x") -> Sent where (context.page.path = "/") -> "Page Viewed"',
    )
    assert told(tmp_path, journeys_j=journey) == []
    assert (
        told(tmp_path, journeys_j=(JOURNEY % ("person", "A -> B")).replace('"person"', '["person", "carrier"]')) == []
    )


@pytest.mark.parametrize("path", ["traits.email", "properties.diagnosis", "context.ip", "properties.phone_number"])
def test_what_is_personal_cannot_be_named(tmp_path: Path, path: str) -> None:
    """By default or by the contract: its values stand in the vault alone, so no condition can ask for them."""
    [fault] = told(tmp_path, journeys_j=JOURNEY % ("person", f'A where ({path} = "x") -> B'))
    assert f"'{path}' is personal in source 'website'" in fault


def test_what_is_no_property_is_still_unknown(tmp_path: Path) -> None:
    """Only properties, traits and contexts are open; kinds of subject are not."""
    [fault] = told(tmp_path, journeys_j=JOURNEY % ("order_id", "A -> B"))
    assert "'order_id'" in fault


def test_a_due_time_is_declared(tmp_path: Path) -> None:
    """Undeclared, it would come as text, and no promise could be weighed by it."""
    [fault] = told(tmp_path, promises_p=PROMISE)
    assert "declared nowhere" in fault
    assert 'due = { type = "time" } in that source' in fault
    declared = WEBSITE.replace("[contract]", 'due = { type = "time" }\n[contract]')
    assert told(tmp_path, promises_p=PROMISE, sources_website=declared) == []
