"""A small shop with one source and one promise, as definitions: what commands are tried on."""

from __future__ import annotations

SOURCE = """name = "orders"
format = "csv"
key = ["order"]
[identifiers]
user_id = "customer"
order_id = "order"
[properties]
due = { from = "due", type = "time" }
carrier = "carrier"
[[events]]
name = "Ordered"
at = "ordered"
[[events]]
name = "Delivered"
at = "delivered"
[contract]
origin = "first-party"
purposes = ["service-optimisation"]
"""
PROMISE = """name = "delivery"
per = "order_id"
made = '"Ordered"'
due = "properties.due"
kept = '"Delivered"'
target = 0.9
"""
HEADER = "order,customer,ordered,due,delivered,carrier"
