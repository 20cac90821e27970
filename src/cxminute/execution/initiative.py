"""An initiative as it is defined: what we do, with whose data, on which way, for what, and what it should move.

```toml
name    = "win-back"
purpose = "marketing"
sources = ["shop"]            # whose people and events it uses; or
# journey = "repeat-purchase" # all sources that tell of its events
channel = "email"             # on which way people hear of it; webhook and task reach no person
kpi     = "orders of customers who had stopped, in 90 days"
# insight = "2015-W07: who waits longer than ten days stops"   # what it rests on; nothing is sent without it
says    = "A letter to those who have not ordered for half a year."
# train = true                # a model is trained on the data
# combine = true              # figures of several sources are put together
# link = true                 # people of one source are known in another
```

Nothing runs it yet: it is read and checked against the contracts of its sources, so that what they forbid is found
before anybody builds it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from cxminute.model.definitions import Document
from cxminute.privacy.cards import CHANNELS, CONTACTS
from cxminute.privacy.purposes import PURPOSES
from cxminute.privacy.requirements import Card, lacking
from cxminute.privacy.use import Use

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Initiative:
    """A definition, read and found in order.

    sources: whose people and events it uses; () where the journey says it
    journey: whose events it uses; '' where sources are named alone
    insight: what it rests on; it may be defined without, and reaches nobody before it is named
    train, combine, link: whether a model is trained on the data, figures of several sources are put together, people
             of one source are known in another
    """

    name: str
    purpose: str
    channel: str
    sources: tuple[str, ...] = ()
    journey: str = ""
    kpi: str = ""
    insight: str = ""
    says: str = ""
    train: bool = False
    combine: bool = False
    link: bool = False

    @property
    def use(self) -> Use:
        """What carrying it out does with people's data, as the neck takes it: it refuses what its card lacks."""
        return Use(
            self.purpose,
            "send" if self.channel in CONTACTS else "automate",
            sources=self.sources,
            channel=self.channel,
            outcome=self.kpi,
            insight=self.insight,
            destination=self.channel,
        )

    @property
    def lacks(self) -> tuple[str, ...]:
        """What must be named before it may drive an action, its sources' origin aside."""
        use = self.use
        card = Card("stated", use.purpose, use.outcome, use.insight, use.destination)
        return lacking(use.action, card)


def parse_initiative(
    document: Document,
    *,
    sources: Collection[str],
    journeys: Collection[str],
    purposes: Collection[str] = PURPOSES,
) -> Initiative | None:
    """The initiative that a file defines, or None where it has faults; all of them stand in `document.faults`.

    sources, journeys, purposes: names that are defined
    """
    before = len(document.faults)
    found = Initiative(
        name=document.text("name"),
        purpose=document.text("purpose"),
        channel=document.text("channel"),
        sources=document.texts("sources", ()),
        journey=document.text("journey", ""),
        kpi=document.text("kpi"),
        insight=document.text("insight", ""),
        says=document.text("says", ""),
        train=document.flag("train", default=False),
        combine=document.flag("combine", default=False),
        link=document.flag("link", default=False),
    )
    if found.name and not _NAME.fullmatch(found.name):
        document.fault(f"'{found.name}' is not a name.", key="name", allowed="letters, digits, hyphens and underscores")
    words = (("purpose", found.purpose, purposes), ("channel", found.channel, CHANNELS))
    for key, word, known in words:
        if word and word not in known:
            document.unknown(key, word, known, key=key)
    for name in found.sources:
        if name not in sources:
            document.unknown("source", name, sources, key="sources")
    if found.journey and found.journey not in journeys:
        document.unknown("journey", found.journey, journeys, key="journey")
    if not found.sources and not found.journey:
        document.fault("It says not whose data it uses.", allowed="sources = [...], or journey = ...")
    document.done()
    return found if len(document.faults) == before else None
