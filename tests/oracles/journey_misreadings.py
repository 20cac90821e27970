"""Ways to misread the language's page, each the slow reference with one rule changed.

A generator of cases is good if it tells each of them from the page: what no case tells apart, no law checks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.oracles.journey_shape import Edge, Event, matches
from tests.oracles.journeys_reference import Found, Passage, Reference


class _WithinFromTheFirst(Reference):
    def is_live(self, passage: Passage, edge: Edge, at: int) -> bool:
        live = edge.origin in passage.last and edge not in passage.cut
        return live and (edge.within is None or at <= passage.first[edge.origin] + edge.within)


class _AfterFromTheLast(Reference):
    def allows(self, passage: Passage, edge: Edge, at: int) -> bool:
        return self.is_live(passage, edge, at) and (edge.after is None or at >= passage.last[edge.origin] + edge.after)


class _GuardsCutEdgesToWhatWasReached(Reference):
    def guard(self, passage: Passage, event: Event, reached: set[int]) -> None:
        super().guard(passage, event, set())
        passage.cut -= {edge for edge in self.shape.edges if edge.origin in reached}


class _CutEdgesStayCut(Reference):
    def guard(self, passage: Passage, event: Event, reached: set[int]) -> None:
        cut = {edge for edge in passage.cut if passage.first[edge.origin] < event.at}
        super().guard(passage, event, reached)
        passage.cut |= cut

    def note(self, passage: Passage, event: Event, reached: set[int], marked: dict[int, int]) -> None:
        super().note(passage, event, reached, marked)
        passage.cut = {edge for edge in passage.cut if edge.origin in passage.first}


class _HealingComesBeforeCutting(Reference):
    def guard(self, passage: Passage, event: Event, reached: set[int]) -> None:
        super().guard(passage, event, reached)
        passage.cut |= {
            edge
            for edge in self.shape.edges
            if edge.target not in reached and any(matches(step, event) for step in edge.guard)
        }


class _FirstStepsAreReachedOnce(Reference):
    def progress(self, passage: Passage, event: Event) -> tuple[set[int], dict[int, int]]:
        reached, marked = super().progress(passage, event)
        again = {place for place in reached if self.shape.places[place].is_first and place in passage.first}
        return reached - again, marked


class _LaterStepsKeepTheirLastTime(Reference):
    def note(self, passage: Passage, event: Event, reached: set[int], marked: dict[int, int]) -> None:
        before = {place: at for place, at in passage.last.items() if not self.shape.places[place].is_first}
        super().note(passage, event, reached, marked)
        passage.last |= before


class _DirectlySeesEndings(Reference):
    def is_between(self, event: Event) -> bool:
        return not any(matches(step, event) for step in self.definition.ignoring)


class _DirectlyIgnoresNothing(Reference):
    def is_between(self, event: Event) -> bool:
        return event.kind == "event"


class _DirectlySurvivesWhatTakesIt(Reference):
    def guard(self, passage: Passage, event: Event, reached: set[int]) -> None:
        before = set(passage.cut)
        super().guard(passage, event, reached)
        passage.cut -= {edge for edge in passage.cut - before if edge.direct and edge.target in reached}


class _DirectlyDiesWithAnIgnoredEventThatTakesIt(Reference):
    def guard(self, passage: Passage, event: Event, reached: set[int]) -> None:
        super().guard(passage, event, reached)
        passage.cut |= {
            edge for edge in self.shape.edges if edge.direct and edge.target in reached and edge.origin not in reached
        }


class _GroupsStaySeenWhenReached(Reference):
    def note(self, passage: Passage, event: Event, reached: set[int], marked: dict[int, int]) -> None:
        super().note(passage, event, reached, marked)
        for place in reached & marked.keys():
            passage.seen[place] = list(range(len(self.shape.places[place].steps) - 1))
            passage.since[place] = event.at


class _FirstGroupsAreNeverCleared(Reference):
    def clear_groups(self, passage: Passage, at: int) -> None:
        kept = {place: seen for place, seen in passage.seen.items() if self.shape.places[place].is_first}
        super().clear_groups(passage, at)
        passage.seen |= kept


class _LaterGroupsAreNeverCleared(Reference):
    def clear_groups(self, passage: Passage, at: int) -> None:
        kept = {place: seen for place, seen in passage.seen.items() if not self.shape.places[place].is_first}
        super().clear_groups(passage, at)
        passage.seen |= kept


class _GroupsAreClearedByTheirOrigin(Reference):
    def note(self, passage: Passage, event: Event, reached: set[int], marked: dict[int, int]) -> None:
        super().note(passage, event, reached, marked)
        for place in list(passage.seen):
            if any(self.shape.edges[edge].origin in reached for edge in self.shape.into(place)):
                del passage.seen[place]


class _AnEventMarksTheLastMissingStep(Reference):
    def progress(self, passage: Passage, event: Event) -> tuple[set[int], dict[int, int]]:
        reached, marked = super().progress(passage, event)
        for place in marked:
            steps, seen = self.shape.places[place].steps, passage.seen.get(place, [])
            marked[place] = max(which for which, step in enumerate(steps) if which not in seen and matches(step, event))
        return reached, marked


class _WhatCompletedMayOpen(Reference):
    def take(self, event: Event) -> None:
        before = len(self.passages)
        super().take(event)
        ended = any(passage.closed == event.at and passage.ending == "completed" for passage in self.passages[:before])
        still = any(passage.ending == "open" for passage in self.passages)
        if self.definition.reentry == "after exit" and ended and not still and len(self.passages) == before:
            self.open(event)


class _WhatBrokeMayNotOpen(Reference):
    def open(self, event: Event) -> None:
        if self.definition.reentry == "always" or not any(
            passage.closed == event.at and passage.ending == "broken" for passage in self.passages
        ):
            super().open(event)


class _UnlessComesBeforeTime(Reference):
    def later(self, passage: Passage, event: Event) -> None:
        if any(matches(step, event) for step in self.definition.unless):
            passage.end("broken", event.at)
        else:
            super().later(passage, event)


class _UnlessSparesWhatCompletes(Reference):
    def later(self, passage: Passage, event: Event) -> None:
        if self.deadline(passage) >= event.at:
            self.clear_groups(passage, event.at)
            reached, marked = self.progress(passage, event)
            if reached & set(self.shape.last):
                self.note(passage, event, reached, marked)
                passage.end("completed", event.at)
                return
        super().later(passage, event)


class _UnlessLooksAtTheOpening(Reference):
    def open(self, event: Event) -> None:
        if not any(matches(step, event) for step in self.definition.unless):
            super().open(event)


class _DeadlinesAreExclusive(Reference):
    def later(self, passage: Passage, event: Event) -> None:
        if self.deadline(passage) == event.at:
            passage.end("expired", event.at)
        else:
            super().later(passage, event)


class _DeepestCountsAllWays(Reference):
    def found(self, passage: Passage) -> Found:
        places = enumerate(self.shape.places)
        counted = (len(p.steps) if number in passage.first else passage.most.get(number, 0) for number, p in places)
        return replace(super().found(passage), deepest=sum(counted))


class _DeepestForgetsMarks(Reference):
    def found(self, passage: Passage) -> Found:
        return super().found(replace(passage, most={}))


class _OneEventServesAWayTwice(Reference):
    def later(self, passage: Passage, event: Event) -> None:
        super().later(passage, event)
        if passage.ending == "open":
            reached, _ = self.progress(passage, event)
            fresh = {place for place in reached - passage.first.keys() if not self.shape.places[place].is_group}
            self.note(passage, event, fresh, {})
            if fresh & set(self.shape.last):
                passage.end("completed", event.at)


class _CutEdgesKeepAPassageAlive(Reference):
    def has_way_forward(self, passage: Passage, at: int) -> bool:
        return super().has_way_forward(replace(passage, cut=set()), at)

    def deadline(self, passage: Passage) -> float:
        return super().deadline(replace(passage, cut=set()))


MISREADINGS: Final[tuple[type[Reference], ...]] = (
    _WithinFromTheFirst,
    _AfterFromTheLast,
    _GuardsCutEdgesToWhatWasReached,
    _CutEdgesStayCut,
    _HealingComesBeforeCutting,
    _FirstStepsAreReachedOnce,
    _LaterStepsKeepTheirLastTime,
    _DirectlySeesEndings,
    _DirectlyIgnoresNothing,
    _DirectlySurvivesWhatTakesIt,
    _DirectlyDiesWithAnIgnoredEventThatTakesIt,
    _GroupsStaySeenWhenReached,
    _FirstGroupsAreNeverCleared,
    _LaterGroupsAreNeverCleared,
    _GroupsAreClearedByTheirOrigin,
    _AnEventMarksTheLastMissingStep,
    _WhatCompletedMayOpen,
    _WhatBrokeMayNotOpen,
    _UnlessComesBeforeTime,
    _UnlessSparesWhatCompletes,
    _UnlessLooksAtTheOpening,
    _DeadlinesAreExclusive,
    _DeepestCountsAllWays,
    _DeepestForgetsMarks,
    _OneEventServesAWayTwice,
    _CutEdgesKeepAPassageAlive,
)
