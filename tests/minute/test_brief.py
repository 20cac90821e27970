"""The brief: one minute of reading, a figure and a command in every line, 'trend' never below three."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxminute.minute.brief import Brief, Line, Standing
from cxminute.minute.markdown import markdown
from cxminute.minute.page import page
from cxminute.minute.tell import tell, words
from cxminute.minute.terminal import text
from cxminute.minute.words import LIMIT, count, days, percent
from tests.minute.told import HOSTILE, MONDAY, WEEK, insight, part, table, weekly

STANDING = (
    Standing("promise", "delivery", 0.62, 18_234, 0.9, 2.4),
    Standing("promise", "reply", 0.97, 900, 0.95, 0.5),
    Standing("journey", "checkout", 0.41, 4_000),
)


def brief(*rows: dict[str, object], **more: object) -> Brief:
    """The brief of these insights, with three standings and a note."""
    given_ = {"standing": STANDING, "notes": (Line("197 rows wait in quarantine.", "197", "cxm quarantine"),), **more}
    return tell(table(*rows), organisation="A shop", week=WEEK, **given_)  # type: ignore[arg-type]  # as tests need


def lines(told: Brief) -> list[Line]:
    """Every line that is read before the details."""
    return [told.headline, *(line for _, section in told.sections() for line in section)]


def heads(told: Brief) -> dict[str, str]:
    """What each renderer shows before the details, as plain text."""
    body = page(told).split("<body>")[1].split('<section class="details"')[0]
    return {
        "terminal": text(told, details=False),
        "markdown": markdown(told).split("\n---\n")[0],
        "page": re.sub(r"<[^>]*>", " ", body),
    }


rows = st.lists(
    st.builds(
        insight,
        st.sampled_from(["promise delivery", "journey first purchase of the year", "promise " + "long " * 30]),
        st.sampled_from(["late", "completed", "volume", "returned"]),
        direction=st.sampled_from(["up", "down"]),
        seen=st.integers(1, 5),
        since=st.dates(date(2015, 1, 30), date(2015, 2, 15)),
        where=st.lists(
            st.builds(
                part,
                st.sampled_from(["properties.carrier", "properties.a very long name of a dimension " * 3]),
                st.text(max_size=300),
                st.floats(-2, 3),
            ),
            max_size=9,
        ),
        action=st.sampled_from(["Decide.", "Decide " + "whatever is " * 20]),
    ),
    max_size=8,
)
standings = st.lists(
    st.builds(
        Standing,
        st.sampled_from(["promise", "journey"]),
        st.text(min_size=1, max_size=80),
        st.none() | st.floats(0, 1),
        st.integers(0, 10**7),
        st.none() | st.floats(0, 1),
        st.none() | st.floats(0, 50),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=60)
@given(rows, standings, st.text(max_size=200))
def test_it_is_read_in_a_minute(made: list[dict[str, object]], standing: list[Standing], organisation: str) -> None:
    """However much happened and however long its names are: at most 230 words before the details."""
    told = tell(table(*made), organisation=organisation, week=WEEK, standing=standing)
    assert words(told) <= LIMIT
    assert count(text(told, details=False, width=400)) <= LIMIT
    assert count(markdown(told).split("\n---\n")[0]) <= LIMIT


@settings(deadline=None, max_examples=60)
@given(rows, standings)
def test_every_line_has_its_figure_and_its_command(made: list[dict[str, object]], standing: list[Standing]) -> None:
    """Nothing is said without the figure that it rests on and the command that shows it."""
    for line in lines(tell(table(*made), organisation="A shop", week=WEEK, standing=standing)):
        assert line.command.startswith("cxm ")
        assert line.figure
        assert line.figure in line.text


@settings(deadline=None, max_examples=60)
@given(rows)
def test_trend_is_said_of_three_times_and_more(made: list[dict[str, object]]) -> None:
    """The word 'trend' stands in no brief whose news were all seen less than three times."""
    for row in made:
        row["grade"] = "trend" if row["seen"] >= 3 else "once"  # type: ignore[operator]  # an int
        row["where"] = []
    told = tell(table(*made), organisation="A shop", week=WEEK)
    if all(row["seen"] < 3 for row in made):  # type: ignore[operator]  # an int
        assert "trend" not in told.spoken().lower()


def test_every_renderer_says_the_same() -> None:
    """Terminal, Markdown and page show the same words in the same order before the details, none over the limit."""
    told = brief(insight(), insight("journey checkout", "completed", direction="down", where=[]), series=weekly())
    said = {name: head.replace("\\", "") for name, head in heads(told).items()}
    for line in lines(told):
        for name, head in said.items():
            assert " ".join(line.text.split()) in " ".join(head.replace("&#39;", "'").split()), name
    assert {name for name, head in said.items() if count(head) > LIMIT} == set()


def test_the_news_says_how_strong_since_when_where_and_how_often() -> None:
    """Figure, range, first day, places and times stand in the item; half of all and more is said to be most."""
    item = brief(insight()).items[0]
    assert item.text == (
        "Promise delivery: most promises due were broken, 64% of 914, 20 to 50% expected, since 1 February; "
        "71% from carrier Swift. Seen once."
    )
    assert (item.figure, item.grade) == ("64%", "once")


def test_a_quiet_week_says_so() -> None:
    """Where nothing is news, that is said with the figure and what was to be expected of it."""
    told = brief(series=weekly())
    assert told.quiet
    assert told.quiet.text.startswith("Nothing this week stands out of the weeks before: promise delivery 34% broken")
    assert "20 to 50% expected" in told.quiet.text
    assert not told.items
    assert not told.decisions


@pytest.mark.parametrize(("weeks", "said"), [(1, "0 whole weeks"), (2, "1 whole week "), (3, "2 whole weeks")])
def test_too_little_history_is_not_called_quiet(weeks: int, said: str) -> None:
    """After a week or two nobody can tell news from noise, and the brief does not pretend to."""
    told = brief(series=weekly(weeks=weeks))
    assert told.quiet
    assert "Too early" in told.quiet.text
    assert said in told.quiet.text
    assert "Nothing this week" not in told.spoken()


def test_one_origin_asks_for_one_decision() -> None:
    """Two promises that broke on the same day at the same carrier are one trouble: one decision, said to be a copy."""
    told = brief(insight(), insight("promise marketplace-delivery", since=date(2015, 2, 2)))
    assert (len(told.items), len(told.decisions)) == (1, 1)
    assert told.items[0].text.endswith("With it: promise marketplace-delivery 64% broken. Seen once.")


def test_a_holiday_is_told_once() -> None:
    """Two counts that fell on the same day, led by the same places in another order, are one item; others are not."""
    channel, reason = part("properties.channel", "call", 0.5), part("properties.reason", "Building", 0.3)
    first = insight("promise answer", "volume", direction="down", where=[reason, channel])
    second = insight("journey request", "volume", direction="down", where=[channel, reason])
    assert len(brief(first, second).items) == 1
    later = {**second, "since": date(2015, 2, 3)}
    elsewhere = {**second, "where": [channel, part("properties.reason", "Trees", 0.3)]}
    other_way = {**second, "direction": "up", "id": "journey request|volume|up"}
    for row in (later, elsewhere, other_way):
        assert len(brief(first, row).items) == 2


def test_four_troubles_find_room() -> None:
    """Four troubles in one week, with what follows from them, are all named, two decided upon, what stands out told."""
    made = [
        insight(about, measure, direction=way, where=[part(f"properties.{dimension}", value, 0.9)], seen=1, **more)
        for about, measure, way, dimension, value, more in (
            ("journey checkout", "volume", "up", "campaign", "bring-a-friend", {}),
            ("promise first-reply", "late", "up", "channel", "email", {"value": 0.38}),
            ("promise delivery", "late", "up", "carrier", "Gans", {"value": 0.2}),
            ("journey checkout", "completed", "down", "browser", "Safari", {"value": 0.31}),
            ("promise delivery", "volume", "up", "campaign", "bring-a-friend", {}),
            ("promise marketplace-delivery", "late", "up", "carrier", "Gans", {"value": 0.17}),
        )
    ]
    told = brief(*made)
    assert words(told) <= LIMIT
    for said in ("campaign bring-a-friend", "channel email", "carrier Gans", "browser Safari"):
        assert any(said in item.text for item in told.items)
    assert (len(told.items), len(told.decisions), len(told.standing)) == (4, 2, 2)


def test_at_most_three_decisions() -> None:
    """A minute has room for three decisions."""
    made = [insight(f"promise p{place}", where=[], action="Decide.") for place in range(6)]
    assert len(brief(*made, standing=(), notes=()).decisions) == 3


def test_what_stands_out_is_told_by_itself() -> None:
    """A promise below its target or burning its budget has a line of its own; the others share one."""
    told = brief()
    assert [line.text for line in told.standing] == [
        "delivery: 62% kept of 18,234, target 90%, budget burning 2.4 times too fast.",
        "Others, none below a target: reply 97.0%, checkout 41%.",
    ]
    assert [line.command for line in told.standing] == ["cxm promises delivery", "cxm minute --week 2015-W07"]


def test_a_part_is_told_as_a_part() -> None:
    """Where one carrier broke and the whole hardly moved, the sentence speaks of the carrier alone."""
    row = insight(where=[part("properties.carrier", "Swift", 1.0)])
    row["id"] += "|properties.carrier=Swift"
    told = brief(row)
    assert told.headline.text == "Promise delivery, carrier Swift alone: 64% broken, 34% expected."
    assert "from" not in told.items[0].text


def test_details_hold_what_found_no_room() -> None:
    """All news and all standings are in the details, whatever was cut above."""
    made = [insight(f"promise number {place}", where=[]) for place in range(8)]
    told = brief(*made)
    assert len(told.items) < 8
    assert len(next(detail for detail in told.details if detail.title == "All that changed").rows) == 8


def test_figures_are_written_as_people_read_them() -> None:
    """Whole percents, tenths near the ends where they matter; a run of days names its month once."""
    assert [percent(share) for share in (0.637, 0.081, 0.995, 1.0)] == ["64%", "8.1%", "99.5%", "100%"]
    assert days(MONDAY, date(2015, 2, 15)) == "9 to 15 February 2015"
    assert days(date(2015, 12, 28), date(2016, 1, 3)) == "28 December to 3 January 2016"


def test_no_control_sign_reaches_a_reader() -> None:
    """Escape codes, line ends and signs that turn the reading around do not pass from data into the brief."""
    told = brief(insight(where=[part("properties.carrier", HOSTILE, 1.0)], action=HOSTILE))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", told.spoken())
    assert "\x1b" not in text(told)
