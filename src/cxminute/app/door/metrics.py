"""What the door counts, and how Prometheus reads it: no key, no id, no address; labels are names that people chose."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from cxminute.model.errors import CxmError

if TYPE_CHECKING:  # prometheus takes a while to import, and only what serves needs it
    from prometheus_client.metrics_core import Metric

    from cxminute.app.door.keyring import Place
    from cxminute.app.door.mounts import Mount

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096)
DAY: Final = 86_400_000


class Spread:
    """How often a figure fell below each of some bounds; one thread writes, any may read."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, figure: float) -> None:
        """One more figure."""
        self._counts[bisect_left(self._bounds, figure)] += 1
        self._sum += figure

    def told(self) -> tuple[list[tuple[str, float]], float]:
        """Counts at or below each bound, and the sum, as Prometheus has them."""
        running, buckets = 0, []
        for bound, count in zip([*map(str, map(float, self._bounds)), "+Inf"], self._counts, strict=True):
            running += count
            buckets.append((bound, float(running)))
        return buckets, self._sum


class Commits:
    """What one project's committer did.

    seconds:  of a transaction, sync included
    groups:   calls in one transaction
    size:     bytes of all calls
    failures: transactions that failed, by kind of error
    said:     what the last error of each kind says, where it is one of ours: those show no data
    """

    def __init__(self) -> None:
        self.seconds, self.groups = Spread(SECONDS), Spread(SIZES)
        self.size = 0
        self.failures: Counter[str] = Counter()
        self.said: dict[str, str] = {}

    def committed(self, seconds: float, calls: int, size: int) -> None:
        """A group is on disk."""
        self.seconds.add(seconds)
        self.groups.add(calls)
        self.size += size

    def failed(self, fault: Exception) -> None:
        """A group is not."""
        kind = type(fault).__name__
        self.failures[kind] += 1
        if isinstance(fault, CxmError):
            self.said[kind] = fault.what


class Totals:
    """What became of all that a project received, by source: sums of its balance.

    Minutes of more than two days ago change seldom: they are added up once a day, the later ones at each reading.
    """

    def __init__(self, mount: Mount) -> None:
        self._arrivals = mount.project.arrivals
        self._cut = -1
        self._before: Counter[tuple[str, str]] = Counter()

    def read(self, at: int) -> Counter[tuple[str, str]]:
        """By (source, outcome): received, stored, duplicate, quarantined. at: UTC ms."""
        cut = (at // DAY - 2) * DAY
        if cut != self._cut:
            self._before, self._cut = self._sums(None, cut), cut
        return self._before + self._sums(cut, None)

    def _sums(self, since: int | None, until: int | None) -> Counter[tuple[str, str]]:
        sums: Counter[tuple[str, str]] = Counter()
        for minute in self._arrivals.balance(since, until):
            sums[minute.source, "received"] += minute.received
            sums[minute.source, "stored"] += minute.stored
            sums[minute.source, "duplicate"] += minute.duplicate
            sums[minute.source, "quarantined"] += minute.quarantined
        return sums


class Counted:
    """Everything, as families of metrics; read in a thread of its own, since it asks the databases.

    calls:    by (route, status)
    refusals: by (code, project, source)
    """

    def __init__(
        self, mounts: Sequence[Mount], places: Mapping[tuple[str, str], Place], now: Callable[[], int]
    ) -> None:
        self.calls: Counter[tuple[str, int]] = Counter()
        self.refusals: Counter[tuple[str, str, str]] = Counter()
        self.inside = 0
        self._mounts, self._places, self._now = mounts, places, now
        self._totals: dict[str, Totals] = {}
        self._began = time.time()

    def text(self) -> tuple[str, bytes]:
        """The content type and the whole text."""
        from prometheus_client import CollectorRegistry  # noqa: PLC0415 -- see above
        from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415 -- see above

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return CONTENT_TYPE_LATEST, generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Families of the door, of each project's commits, of its inbox and of its balance."""
        yield from self._of_calls()
        yield from self._of_commits()
        yield from self._of_inboxes()

    def _of_calls(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415 -- see above

        calls = CounterMetricFamily("cxm_door_calls", "Requests answered.", labels=("route", "status"))
        for (route, status), count in sorted(self.calls.items()):
            calls.add_metric((route, str(status)), count)
        yield calls
        labels = ("code", "project", "source")
        refusals = CounterMetricFamily(
            "cxm_door_refusals", "Requests refused; source '-' before it is known.", labels=labels
        )
        for found, count in sorted(self.refusals.items()):
            refusals.add_metric(found, count)
        yield refusals
        of_source = ("project", "source")
        told = "Events sent, by what the door made of them."
        items = CounterMetricFamily("cxm_door_items", told, labels=(*of_source, "outcome"))
        size = CounterMetricFamily("cxm_door_bytes", "Bytes of accepted bodies, inflated.", labels=of_source)
        for of, place in sorted(self._places.items()):
            for outcome in ("accepted", "duplicate", "rejected"):
                items.add_metric((*of, outcome), getattr(place, outcome))
            size.add_metric(of, place.size)
        yield items
        yield size
        yield GaugeMetricFamily("cxm_door_requests_open", "Requests being answered.", value=self.inside)
        yield GaugeMetricFamily(
            "cxm_door_start_time_seconds", "When the door was opened, Unix time.", value=self._began
        )

    def _of_commits(self) -> Iterator[Metric]:
        from prometheus_client.core import (  # noqa: PLC0415 -- see above
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        seconds = HistogramMetricFamily(
            "cxm_commit_seconds", "Time of a transaction, with its sync.", labels=("project",)
        )
        groups = HistogramMetricFamily("cxm_commit_calls", "Requests in one transaction.", labels=("project",))
        size = CounterMetricFamily("cxm_commit_bytes", "Bytes put on disk.", labels=("project",))
        failures = CounterMetricFamily("cxm_commit_failures", "Transactions that failed.", labels=("project", "kind"))
        waiting = GaugeMetricFamily("cxm_commit_waiting_bytes", "Bytes that wait for the disk.", labels=("project",))
        ready = GaugeMetricFamily("cxm_project_ready", "1 while the project can take events.", labels=("project",))
        for mount in self._mounts:
            seconds.add_metric((mount.name,), *mount.commits.seconds.told())
            groups.add_metric((mount.name,), *mount.commits.groups.told())
            size.add_metric((mount.name,), mount.commits.size)
            for kind, count in sorted(mount.commits.failures.items()):
                failures.add_metric((mount.name, kind), count)
            waiting.add_metric((mount.name,), mount.committer.waiting)
            ready.add_metric((mount.name,), float(mount.why_not() is None))
        yield from (seconds, groups, size, failures, waiting, ready)

    def _of_inboxes(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415 -- see above

        labels = ("project", "source")
        calls = GaugeMetricFamily("cxm_inbox_calls", "Requests that wait for the worker.", labels=labels)
        events = GaugeMetricFamily("cxm_inbox_events", "Events that wait for the worker.", labels=labels)
        size = GaugeMetricFamily("cxm_inbox_bytes", "Bytes that wait for the worker.", labels=labels)
        age = GaugeMetricFamily("cxm_inbox_oldest_seconds", "How long the oldest has waited.", labels=labels)
        balance = CounterMetricFamily("cxm_balance_events", "What became of all events.", labels=(*labels, "outcome"))
        unread = GaugeMetricFamily("cxm_state_unread", "1 while a project's state cannot be read.", labels=("project",))
        at = self._now()
        for mount in self._mounts:
            try:
                inbox = mount.project.inbox
                waiting = inbox.waiting(mount.project.arrivals.marks(inbox.identity))
                totals = self._totals.setdefault(mount.name, Totals(mount)).read(at)
            except Exception:  # noqa: BLE001 -- the metrics are there to say so
                unread.add_metric((mount.name,), 1)
                continue
            unread.add_metric((mount.name,), 0)
            for held in waiting:
                found = (mount.name, held.source)
                calls.add_metric(found, held.calls)
                events.add_metric(found, held.events)
                size.add_metric(found, held.bytes)
                age.add_metric(found, max(0.0, (at - held.oldest) / 1_000))
            for (source, outcome), count in sorted(totals.items()):
                balance.add_metric((mount.name, source, outcome), count)
        yield from (calls, events, size, age, balance, unread)
