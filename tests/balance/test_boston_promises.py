"""A year of the City of Boston's promises, as a ledger: real due times, real lateness."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray

from cxminute.balance.budget import budget
from cxminute.balance.promises import Promise
from cxminute.balance.summary import states, weeks
from cxminute.balance.tally import tally
from cxminute.balance.weigh import weigh
from cxminute.model.steps import Condition, Step
from cxminute.model.tables import MOMENT
from cxminute.store.conditions import evaluate

FILE = Path(__file__).parents[3] / "shared" / "data" / "boston311_2015.parquet"
ANSWER = Promise("answer", "request_id", Step("Opened"), "properties.due", Step("Closed"), target=0.7)
CHANNEL, DEPARTMENT = "properties.channel", "properties.department"
FACTS = {"made": 94_097, "kept": 59_997, "late": 19_154, "overdue": 11_444, "pending": 3_502, "void": 0, "none": 26_851}
ROWS = """
    select CASE_ENQUIRY_ID as id, 'Opened' as name, OPEN_DT as "at", TARGET_DT as due, Source as channel,
           Department as department
    from read_parquet($file) where CLOSED_DT is null or CLOSED_DT >= OPEN_DT
    union all
    select CASE_ENQUIRY_ID, 'Closed', CLOSED_DT, null, null, null
    from read_parquet($file) where CLOSED_DT >= OPEN_DT
    order by id, "at", name desc
"""

pytestmark = pytest.mark.outside("shared")


class Requests:
    """`store.protocols.Streams` over the requests, times of the file read in a zone."""

    def __init__(self, rows: pa.Table, zone: str) -> None:
        self._rows, self._zone = rows, zone
        _, starts = np.unique(rows["id"].to_numpy(), return_index=True)
        self.subjects: NDArray[np.int64] = np.arange(len(starts))
        self.offsets: NDArray[np.int64] = np.append(starts, len(rows)).astype(np.int64)
        self.times: NDArray[np.int64] = self._moments("at").cast(pa.int64()).to_numpy(zero_copy_only=False)

    @property
    def codes(self) -> NDArray[np.uint16]:
        """Place of each event's name in the alphabet."""
        return np.asarray(self._rows["name"].to_numpy() == "Opened", np.uint16)

    @property
    def alphabet(self) -> tuple[Step, ...]:
        """What can happen to a request."""
        return Step("Closed"), Step("Opened")

    def holds(self, where: Condition, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """By the columns."""
        return evaluate(where, self.column, len(self.times))[places]

    def matches(self, step: Step) -> NDArray[np.bool_]:
        """By name."""
        return np.asarray(pc.equal(self._rows["name"], step.name).to_numpy())

    def column(self, path: str) -> pa.Array:
        """Properties: due, channel, department."""
        name = path.removeprefix("properties.")
        return self._moments(name) if name == "due" else self._rows[name].combine_chunks()

    def _moments(self, name: str) -> pa.Array:
        naive = self._rows[name].combine_chunks().cast(pa.timestamp("us"))
        return pc.assume_timezone(naive, self._zone, ambiguous="earliest", nonexistent="earliest").cast(MOMENT)


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    """Openings and closings, by request; the 197 requests closed before they were opened are left out."""
    with duckdb.connect() as connection:
        return connection.sql(ROWS, params={"file": str(FILE)}).to_arrow_table()


@pytest.fixture(scope="module")
def ledger(rows: pa.Table) -> pa.Table:
    """The year's ledger, times read in Boston's zone, as of the last event."""
    streams = Requests(rows, "America/New_York")
    return weigh(ANSWER, streams, closes_at=int(streams.times.max()), dimensions=(CHANNEL, DEPARTMENT))


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_the_year_in_five_states(rows: pa.Table, zone: str) -> None:
    """94,097 promises in one state each, and 26,851 requests promised nothing, in whatever zone it is read."""
    streams = Requests(rows, zone)
    closes_at = int(datetime(2016, 1, 12, 22, 22, 40, tzinfo=ZoneInfo(zone)).timestamp() * 1000)
    assert int(streams.times.max()) == closes_at
    counts = states(weigh(ANSWER, streams, closes_at=closes_at), zone=ZoneInfo(zone)).to_pylist()[0]
    assert {name: counts[name] for name in FACTS} == FACTS
    assert counts["share_kept"] == pytest.approx(59_997 / 90_595)
    assert counts["share_first_kept"] == counts["share_kept"]


def test_what_is_kept_ahead_of_time_flatters(ledger: pa.Table) -> None:
    """Some due times lie years ahead: of those only early answers are known, and an honest share leaves them out."""
    zone = ZoneInfo("America/New_York")
    closes_at = int(datetime(2016, 1, 12, 22, 22, 40, tzinfo=zone).timestamp() * 1000)
    (all_judged,), (due,) = states(ledger).to_pylist(), states(ledger, as_of=closes_at).to_pylist()
    assert due["made"] == all_judged["made"]
    assert due["share_kept"] < all_judged["share_kept"] - 0.02
    future = [row for row in weeks(ledger, zone, as_of=closes_at).to_pylist() if row["week"] > "2016-W02"]
    assert future
    assert all(row["share_kept"] is None and not row["settled"] for row in future)


def test_phone_calls_wait_longer_than_the_citys_own_workers(ledger: pa.Table) -> None:
    """What is called in is late far more often than what the city's workers report: the intervals are far apart."""
    rows = {row[CHANNEL]: row for row in states(ledger, CHANNEL, zone=ZoneInfo("America/New_York")).to_pylist()}
    assert rows["Constituent Call"]["high"] < rows["City Worker App"]["low"] - 0.1
    assert sum(row["made"] for row in rows.values()) == FACTS["made"]


def test_the_snow_stands_out_by_week_due(ledger: pa.Table) -> None:
    """In the week of 9 February most promises were broken; in no week of the autumn were they."""
    by_week = {row["week"]: row for row in weeks(ledger, ZoneInfo("America/New_York")).to_pylist()}
    assert by_week["2015-W07"]["high"] < 0.5
    assert all(by_week[f"2015-W{week}"]["share_kept"] > 0.5 for week in range(38, 49))
    assert by_week["2015-W07"]["settled"]
    assert not by_week["2016-W04"]["settled"]
    assert sum(row["made"] for row in by_week.values()) == FACTS["made"]


def test_coin_tosses_would_be_too_sure(ledger: pa.Table) -> None:
    """The year's share varies by week at least three times as much as independent promises would let it."""
    (whole,) = states(ledger, zone=ZoneInfo("America/New_York")).to_pylist()
    tosses = 2 * 1.96 * (whole["share_kept"] * (1 - whole["share_kept"]) / 90_595) ** 0.5
    assert whole["high"] - whole["low"] > 3 * tosses


def test_tally_adds_up_to_the_ledger(ledger: pa.Table) -> None:
    """Days add to the year; the values of each dimension add to the whole, day by day; nothing of the future counts."""
    closes = datetime(2016, 1, 12, 22, 22, 40, tzinfo=ZoneInfo("America/New_York"))
    as_of = int(closes.timestamp() * 1000)
    counted = tally(ANSWER, ledger, ZoneInfo("America/New_York"), (CHANNEL, DEPARTMENT), as_of=as_of)
    table = counted.group_by(["measure", "dimension"]).aggregate([("hits", "sum"), ("n", "sum"), ("day", "max")])
    sums = {(row["measure"], row["dimension"]): row for row in table.to_pylist()}
    for dimension in ("", CHANNEL, DEPARTMENT):
        late, volume = sums["late", dimension], sums["volume", dimension]
        assert late["hits_sum"] == FACTS["late"] + FACTS["overdue"]
        assert late["day_max"] <= date(2016, 1, 12)
        assert volume["hits_sum"] == volume["n_sum"] == FACTS["made"]


def test_budget_of_the_last_four_weeks(ledger: pa.Table) -> None:
    """Due, spent and left agree with a count by hand over the ledger's rows."""
    as_of = int(datetime(2015, 2, 20, tzinfo=UTC).timestamp() * 1000)
    told = budget(ANSWER, ledger, as_of, ZoneInfo("UTC"))
    inside = [
        row["state"]
        for row in ledger.filter(pc.is_valid(ledger["due_at"])).select(["state", "due_at"]).to_pylist()
        if datetime(2015, 1, 23, tzinfo=UTC) <= row["due_at"] < datetime(2015, 2, 20, tzinfo=UTC)
    ]
    assert (told.due, told.spent) == (len(inside), sum(state != "kept" for state in inside))
    assert told.left < 0
    assert ("1 day", "7 days") in told.alerts
