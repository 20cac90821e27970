"""Stitching edges between text identifiers into people, beside networkx, scipy and recursion in DuckDB.

The edges are those of a shop: everybody has a user id and an e-mail address, many a telephone, and browsers of their
own, a new one now and then; who comes often makes many edges; one edge in a hundred names a browser of somebody else.
Cold is from two columns of text to people, with numbers for texts and with the default limits; interned begins with the
numbers. Compiled code is warm, as it is after `cxm` ran once. Then 100,000 further edges of text are added. Peers know
no limits: for them, and for the comparison of partitions, ours runs without any, too. scipy gets numbered edges, all of
them; networkx and DuckDB as many as they can bear.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Final

import duckdb
import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from benchmarks.outcome import Outcome, show
from cxminute.resolve.growing import Growing
from cxminute.resolve.kinds import KINDS
from cxminute.resolve.links import EVENT, Links, Nodes
from cxminute.resolve.stitch import stitch
from cxminute.resolve.texts import Texts

EVENTS: Final = 10_000_000
"""Edges."""
MORE: Final = 100_000
PEOPLE: Final = 0.3
"""People for each edge."""
COLD, INTERNED, ADDED = 20.0, 5.0, 0.5
BEARABLE: Final = {"networkx": 1_000_000, "DuckDB": 200_000}
FREE: Final = {name: replace(kind, strength="weak", most=0, shared=0) for name, kind in KINDS.items()}
_OTHERS: Final = ("email", "phone", "anonymous_id")
_SECOND: Final = 1_000


@dataclass(frozen=True, slots=True)
class Edges:
    """Edges between texts: a user on the left, an identifier of a kind on the right, and when it was told."""

    left: pa.ChunkedArray
    kind: pa.Array
    right: pa.ChunkedArray
    at: NDArray[np.int64]


def measure(events: int) -> Outcome:
    """Times each, checks partitions against the peers' first."""
    draw = np.random.default_rng(6)
    edges, more = drawn(events, events, draw), drawn(min(MORE, events), events, draw)
    texts, rows = Texts(KINDS), []
    (links, nodes), numbered = _timed(lambda: _links(texts, edges))
    people, interned = _timed(lambda: stitch(links, nodes, KINDS))
    many = np.unique(people.persons).size
    print(
        f"{events:,} edges, {len(nodes):,} identifiers, {many:,} people; {len(people.refused):,} links refused, "
        f"{people.nobody.size:,} identifiers nobody's",
        flush=True,
    )
    rows.append(("ours, from text", events, numbered + interned, "limits"))
    rows.append(("ours, interned", events, interned, "limits"))
    free, bare = _timed(lambda: stitch(links, nodes, FREE).persons)
    rows.append(("ours, interned", events, bare, ""))
    theirs, took = _timed(lambda: _scipy(links, len(nodes)))
    rows.append(("scipy, interned", events, took, ""))
    same = {"scipy": bool((free == theirs).all())}
    for name, peer in (("networkx", _networkx), ("DuckDB", _duckdb)):
        part = min(events, BEARABLE[name])
        said, seconds, agrees = peer(links.take(np.sort(draw.permutation(len(links))[:part])), len(nodes))
        rows.append((said, part, seconds, ""))
        same[name] = agrees
    grown = Growing(KINDS, links, nodes)
    added, more_links = _added(grown, texts, more)
    rows.append((f"ours, {len(more.at):,} more, from text", len(more.at), added, "limits"))
    whole = stitch(links + more_links[0], _both(nodes, more_links[1]), KINDS).persons
    same["that of all at once"] = bool((grown.persons == whole).all())
    show(
        ("", "edges", "seconds", "edges/s", "with"),
        [(name, f"{size:,}", f"{took:.2f}", f"{size / took:,.0f}", note) for name, size, took, note in rows],
    )
    for name, agrees in same.items():
        print(f"partition {'equal to' if agrees else 'DIFFERS from'} {name}")
    cold = numbered + interned
    return Outcome(
        all(same.values()) and cold < COLD and interned < INTERNED and added < ADDED,
        f"cold {cold:.1f} s, interned {interned:.2f} s, {len(more.at):,} more {added:.2f} s",
        f"{COLD:g} s, {INTERNED:g} s, {ADDED:g} s",
    )


def drawn(edges: int, of: int, draw: np.random.Generator) -> Edges:
    """Edges of a shop that has so many people as `of` edges bring."""
    people = max(1, round(of * PEOPLE))
    own = draw.permutation(people)[:edges]
    often = (people * draw.random(edges - own.size) ** 2).astype(np.int64)
    who = np.concatenate((own, often)) if edges == of else (people * draw.random(edges) ** 2).astype(np.int64)
    kind = draw.choice(3, edges, p=(0.4, 0.1, 0.5))
    kind[: own.size if edges == of else 0] = 0
    browser = who * 4 + draw.integers(0, 4, edges)
    borrowed = (kind == 2) & (draw.random(edges) < 0.02)
    browser[borrowed] = draw.integers(0, people * 4, int(borrowed.sum()))
    value = np.where(kind == 2, browser, who)
    return Edges(
        _texts("customer-", who),
        pa.DictionaryArray.from_arrays(pa.array(kind.astype(np.int8)), pa.array(_OTHERS)),
        _texts("known-as-", value * 3 + kind),
        draw.integers(0, 10**6, edges) * _SECOND,
    )


def _texts(prefix: str, numbers: NDArray[np.int64]) -> pa.ChunkedArray:
    return pa.chunked_array(
        [
            pc.binary_join_element_wise(pa.scalar(prefix), pc.cast(pa.array(part), pa.string()), "")
            for part in np.array_split(numbers, max(1, numbers.size // 1_000_000))
        ]
    )


def _links(texts: Texts, edges: Edges) -> tuple[Links, Nodes]:
    return texts.links("user_id", edges.left, edges.kind, edges.right, EVENT, edges.at)


def _added(grown: Growing, texts: Texts, more: Edges) -> tuple[float, tuple[Links, Nodes]]:
    begun = perf_counter()
    links, nodes = _links(texts, more)
    grown.add(links, nodes)
    return perf_counter() - begun, (links, nodes)


def _both(nodes: Nodes, more: Nodes) -> Nodes:
    return Nodes(np.concatenate((nodes.kind, more.kind)), np.concatenate((nodes.stable, more.stable)))


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    begun = perf_counter()
    found = call()
    return found, perf_counter() - begun


def _scipy(links: Links, nodes: int) -> NDArray[np.int64]:
    ones = np.ones(len(links), np.int8)
    many, labels = connected_components(coo_array((ones, (links.a, links.b)), shape=(nodes, nodes)), directed=False)
    return _smallest(labels, many)


def _smallest(labels: NDArray[np.int32], many: int) -> NDArray[np.int64]:
    """Components by the smallest number of each."""
    first = np.full(many, labels.size, np.int64)
    np.minimum.at(first, labels, np.arange(labels.size))
    return first[labels]


def _networkx(links: Links, nodes: int) -> tuple[str, float, bool]:
    def components() -> list[set[int]]:
        graph = nx.Graph()
        graph.add_edges_from(zip(links.a.tolist(), links.b.tolist(), strict=True))
        return list(nx.connected_components(graph))

    found, took = _timed(components)
    labels = np.arange(nodes)
    for component in found:
        labels[list(component)] = min(component)
    return "networkx, interned", took, bool((labels == _ours(links, nodes)).all())


def _duckdb(links: Links, nodes: int) -> tuple[str, float, bool]:
    """The smallest number spreads over edges until nothing changes; rows are keyed, so that each node has one."""
    query = """
        WITH RECURSIVE reached(node, label) USING KEY (node) AS (
            SELECT node, node FROM ends GROUP BY node
          UNION
            SELECT ends.other, min(reached.label)
            FROM reached JOIN ends ON ends.node = reached.node
            JOIN recurring.reached AS known ON known.node = ends.other
            WHERE reached.label < known.label
            GROUP BY ends.other
        )
        SELECT node, label FROM reached
    """
    pairs = pa.table({"a": links.a, "b": links.b})
    with duckdb.connect() as connection:
        connection.register("pairs", pairs)
        connection.execute("CREATE TABLE ends AS SELECT a AS node, b AS other FROM pairs UNION SELECT b, a FROM pairs")
        found, took = _timed(lambda: connection.sql(query).to_arrow_table())
    labels = np.arange(nodes)
    labels[found["node"].to_numpy()] = found["label"].to_numpy()
    return "DuckDB, recursion, interned", took, bool((labels == _ours(links, nodes)).all())


def _ours(links: Links, nodes: int) -> NDArray[np.int64]:
    none = Nodes(np.zeros(nodes, np.uint8), np.arange(nodes, dtype=np.uint64))
    return stitch(links, none, FREE).persons
