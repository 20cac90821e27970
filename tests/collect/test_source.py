"""A source file says how a row becomes events; what is wrong with it is said all at once, by line."""

from __future__ import annotations

import pytest

from cxminute.collect.source import parse_source
from cxminute.model.errors import UnknownName
from tests.collect.sources import ORDERS, condition, document_of, source_of

FAULTY = """
name      = "My Orders"
format    = "cvs"
zone      = "Europe/Londn"
encoding  = "utf-9"
times     = ["dd.mm.yyyy"]
sheet     = "Orders"
keys      = ["id"]
[identifiers]
User      = "who"
[properties]
total     = { from = "total", type = "numbr" }
[[events]]
name      = "Order Completed"
at        = "at"
when      = "total >"
properties = ["totl"]
once      = "user_id"
kind      = "trak"
[contract]
anything  = "is for privacy to judge"
"""


def test_every_fault_of_a_source_is_told_with_its_line_at_once() -> None:
    """As many messages as faults, each with its line, and with the nearest right name where one is near."""
    doc = document_of(FAULTY)
    assert parse_source(doc, zone="UTC", parse_condition=condition) is None
    told = {fault.line: fault.nearest for fault in doc.faults}
    assert set(told) == {2, 3, 4, 5, 6, 8, 10, 12, 16, 17, 18, 19}
    assert (told[3], told[5], told[8], told[12]) == ("csv", "utf-8", "key", "number")
    assert (told[17], told[19]) == ("total", "track")


def test_a_key_of_another_format_is_a_fault() -> None:
    """A sheet means nothing to a csv file: it is said, not ignored."""
    doc = document_of(ORDERS.replace('format = "csv"', 'format = "csv"\nsheet = "Orders"'))
    assert parse_source(doc, zone="UTC", parse_condition=condition) is None
    assert [fault.line for fault in doc.faults] == [4]


def test_a_query_needs_its_database() -> None:
    """A source of format sql names its query and its url."""
    doc = document_of(ORDERS.replace('"csv"', '"sql"'))
    assert parse_source(doc, zone="UTC", parse_condition=condition) is None
    assert {word for fault in doc.faults for word in ("query", "url") if word in fault.what} == {"query", "url"}


def test_columns_and_paths_are_all_that_the_mapping_names() -> None:
    """The columns that a file must have are those of the key, the identifiers, the properties, times and conditions."""
    source = source_of(ORDERS.replace('at   = "at"', 'at = "at"\nnot_before = "made"\nwhen = "`the sum` > 0"'))
    assert source.columns == ("id", "who", "total", "at", "made", "the sum")
    assert source.paths == {"properties.total": "number"}


def test_cells_of_text_files_are_text_unless_declared() -> None:
    """A property of a csv file without a type is text; of a Parquet file it is what the file says."""
    bare = ORDERS.replace('{ from = "total", type = "number" }', '"total"')
    assert source_of(bare).paths == {"properties.total": "text"}
    assert source_of(bare.replace('"csv"', '"parquet"')).paths == {"properties.total": None}


def test_a_misspelt_column_is_told_with_the_nearest_name() -> None:
    """A mapping that names a column which the file lacks says so before anything is collected."""
    with pytest.raises(UnknownName, match=r"orders.csv:1: There is no column 'total'. Did you mean 'totals'\?"):
        source_of().check_columns(("id", "who", "at", "totals"), file="orders.csv", line=1)


def test_what_the_contract_calls_personal_is_found_in_the_file() -> None:
    """The columns behind a personal path, and a key column whose own name is personal, are known."""
    source = source_of(ORDERS.replace('["id"]', '["id", "email"]'))
    assert source.personal_columns({"properties.total", "email"}.__contains__) == {"total", "email"}
    assert source.personal_columns({"identifiers.user_id"}.__contains__) == {"who"}


@pytest.mark.parametrize(
    ("first", "second"),
    [("total", "Total"), ("total", "properties.total"), ("Cart.total", "cart.size"), ("traits.Plan", "traits.plan")],
)
def test_names_that_differ_only_in_case_are_a_fault(first: str, second: str) -> None:
    """To a database they are one column: said with both names at the second, before anything is collected."""
    lines = f'"{first}" = "a"\nsize = "b"\n"{second}" = "c"'
    doc = document_of(ORDERS.replace('total = { from = "total", type = "number" }', lines))
    assert parse_source(doc, zone="UTC", parse_condition=condition) is None
    [fault] = doc.faults
    assert (fault.line, fault.what) == (10, f"'{second}' and '{first}' are one name to a database.")


def test_the_same_name_elsewhere_is_another_path() -> None:
    """A property called as an identifier, an event's column or a part of another path lies in a column of its own."""
    lines = 'User_Id = "a"\nat = "b"\n"traits.at" = "c"\n"at.home" = "d"\ntotal = "total"'
    doc = document_of(ORDERS.replace('total = { from = "total", type = "number" }', lines))
    assert parse_source(doc, zone="UTC", parse_condition=condition) is not None


DOOR = """
name   = "website"
format = "http"
[identifiers]
order_id = "properties.order_id"
[properties]
total = { type = "number" }
"context.page.path" = {}
[contract]
origin   = "first-party"
purposes = ["service-optimisation"]
"""


def test_a_source_of_the_door_needs_no_mapping() -> None:
    """What comes through the door says itself what it is and when; its file adds identifiers and types."""
    source = source_of(DOOR)
    assert source.at_door
    assert source.key == ("messageId",)
    assert dict(source.identifiers) == {
        "user_id": ("userId",),
        "anonymous_id": ("anonymousId",),
        "group_id": ("groupId",),
        "order_id": ("properties.order_id",),
    }
    assert source.paths == {"properties.total": "number", "context.page.path": None}
    [rule] = source.rules
    assert (rule.at, rule.name_from, rule.kind_from) == ("at", "name", "type")
    assert rule.properties == ("properties.total", "context.page.path")
    assert not source_of().at_door


def test_a_source_of_the_door_carries_what_definitions_name() -> None:
    """Paths that a journey names are carried without being declared; names of another kind, and files, are not."""
    source = source_of(DOOR)
    named = source.naming({"properties.carrier", "properties.total", "source", "identifiers.order_id"})
    assert named.paths == {"properties.total": "number", "context.page.path": None, "properties.carrier": None}
    assert named.rules[0].properties == tuple(named.paths)
    assert named.naming({"properties.carrier"}) == named
    assert source_of().naming({"properties.carrier"}) == source_of()


def test_what_is_built_in_at_the_door_cannot_be_said_otherwise() -> None:
    """Keys of files, [[events]] and another place for userId are faults, each at its line."""
    text = DOOR.replace("[identifiers]", '[identifiers]\nuser_id = "properties.who"').replace(
        "[identifiers]", 'key = ["messageId"]\nencoding = "cp1252"\n[identifiers]'
    )
    doc = document_of(text + "[[events]]\nname = 1\n")
    assert parse_source(doc, zone="UTC", parse_condition=condition) is None
    assert sorted((fault.line, fault.what) for fault in doc.faults) == [
        (4, "'key' is not for http."),
        (5, "'encoding' is not for http."),
        (7, "'user_id' is always userId at the door."),
        (15, "What comes through the door has its names and times with it."),
    ]
