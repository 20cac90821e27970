"""One customer journey over a pandas, a polars and a DuckDB table: the same answers from each."""

# %% A shop's events: who, what, when, and a property
from datetime import UTC, datetime, timedelta

import duckdb
import pandas as pd
import polars as pl

import cxminute as cx

start = datetime(2026, 3, 2, tzinfo=UTC)
rows = [
    {"person": f"c{c:03}", "event": event, "at": start + timedelta(days=c % 28, hours=hours), "channel": channel}
    for c in range(200)
    for channel in ["app" if c % 3 else "site"]
    for event, hours in [("Viewed", 0), ("Added", c % 60), ("Bought", c % 90), ("Viewed", 500), ("Bought", 520 + c)]
    if event == "Viewed" or c % 5 or channel == "site"
]
pandas_table = pd.DataFrame(rows)
tables = {"pandas": pandas_table, "polars": pl.DataFrame(rows), "DuckDB": duckdb.sql("FROM pandas_table")}

# %% The same journey, flows and retention over each
purchase = cx.journey("seen: Viewed -> Added within 2 days -> bought: Bought", window="7 days")
for name, events in tables.items():
    passages = cx.passages(purchase, events)
    funnel = cx.funnel(purchase, events, by="channel")
    flows = cx.flows(events, anchor="Added")
    retention = cx.retention(events, start="Bought", back="Bought", period="week", periods=3)
    cx.chart(funnel).save(f"funnel-{name}.svg")
    print(name, passages.num_rows, passages["ending"].value_counts().to_pylist())
    print(funnel.select(["value", "label", "reached", "share"]).to_pandas().round(3).to_string(index=False))
    print(flows.select(["from", "to", "count", "share"]).to_pandas().round(3).to_string(index=False))
    print(retention.slice(0, 4).select(["cohort", "period", "returned", "share"]).to_pandas().round(3).to_string())
