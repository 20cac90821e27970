"""The command about journeys: how passages end, and all else that can be asked of one journey."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cxminute.app.analysis import View, view
from cxminute.app.answers import Answer, give
from cxminute.app.charting import check_chart
from cxminute.app.options import Flowing, Reading, check_limit
from cxminute.app.rights.erased import noted
from cxminute.journeys.analyses.counted import COUNTS
from cxminute.journeys.definition import JourneyDefinition
from cxminute.model.errors import WrongUse

_READING = Reading()
_FLOWING = Flowing()


def journeys(  # noqa: PLR0913 -- each is a question that can be asked of a journey
    name: str | None = None,
    *,
    by: str | None = None,
    count: str = "passages",
    plan: bool = False,
    curve: bool = False,
    times: bool = False,
    flows: bool = False,
    off_path: bool = False,
    children: bool = False,
    chart: Path | None = None,
    flowing: Flowing = _FLOWING,
    options: Reading = _READING,
) -> None:
    """Funnel, endings and times of one journey, or one of the answers below; without a name, how all of them end.

    Parameters
    ----------
    name
        The journey.
    by
        Split by a property of the opening event.
    count
        passages, or subjects: each by the passage that came furthest.
    plan
        Draw the plan: what is waited for, in what order and time.
    curve
        Which share had ended how by when, those still open taken into account. --since and --until count by opening.
    times
        How long from step to step.
    flows
        What happens around a step: the first one, or --anchor. --since and --until count events.
    off_path
        Which share skipped, repeated or reversed steps, and whether they ended better or worse.
    children
        Which endings of other journeys its passages had.
    chart
        Also draw the answer: to a file that ends in .svg, .png or .html.
    flowing
        Options of --flows.
    options
        What every reading command takes. --since and --until count by when a passage's time was up: one window
        after it opened.

    """
    if count not in COUNTS:
        raise WrongUse(f"'{count}' cannot be counted.", allowed=", ".join(COUNTS))
    asked = {"plan": plan, "curve": curve, "times": times, "flows": flows, "off-path": off_path, "children": children}
    wanted = [word for word, wants in asked.items() if wants]
    if len(wanted) > 1:
        raise WrongUse(f"--{wanted[0]} and --{wanted[1]} are two questions.", allowed="one at a time")
    if wanted and name is None:
        raise WrongUse(f"--{wanted[0]} is asked of one journey.", allowed=f"cxm journeys NAME --{wanted[0]}")
    if name is None and (by is not None or count != "passages"):
        raise WrongUse("--by and --count are asked of one journey.", allowed="cxm journeys NAME --by PATH")
    if wanted and count != "passages":
        raise WrongUse(f"--{wanted[0]} is of passages.", allowed="cxm journeys NAME --count subjects, for the funnel")
    if replace(flowing, limit=_FLOWING.limit) != _FLOWING and not flows:
        raise WrongUse("--anchor, --depth and their like are options of --flows.", allowed="cxm journeys NAME --flows")
    check_limit(flowing.rows)
    check_chart(chart)
    seen = view(options)
    answer = _answer(seen, name, wanted[0] if wanted else "", by, count, flowing)
    give(noted(seen, answer), json=options.json, chart=chart)


def _answer(seen: View, name: str | None, wanted: str, by: str | None, count: str, flowing: Flowing) -> Answer:
    from cxminute.app import journey_answers as answers  # noqa: PLC0415 -- kernels take a while to import

    if name is None:
        return answers.overview(seen)
    journey = seen.project.journey(name)
    path = seen.path(by)
    if path is not None and wanted in _UNSPLIT:
        raise WrongUse(f"--{wanted} is not split by a property.", allowed=f"cxm journeys {name} --{wanted}")
    if wanted == "flows":
        return _flows(seen, journey, flowing)
    unsplit: dict[str, Callable[[View, JourneyDefinition], Answer]] = {
        "plan": answers.plan,
        "children": answers.children,
    }
    if wanted in unsplit:
        return unsplit[wanted](seen, journey)
    split = {"curve": answers.completion, "times": answers.step_times, "off-path": answers.off}
    if wanted in split:
        return split[wanted](seen, journey, path, flowing.values)
    return answers.funnel(seen, journey, path, next(known for known in COUNTS if known == count), flowing.values)


_UNSPLIT = frozenset({"plan", "children", "flows"})


def _flows(seen: View, journey: JourneyDefinition, flowing: Flowing) -> Answer:
    from cxminute.app.activity_answers import asked_of, flow_answer, step_of  # noqa: PLC0415 -- kernels are heavy

    plan = seen.nest(journey).plan
    anchor = step_of(seen, flowing.anchor or plan.labels[plan.draft.firsts[0]], plan)
    asked = asked_of(flowing, anchor)
    answer = flow_answer(seen, asked, per=journey.space, limit=flowing.rows, held=journey.held, purpose=journey.purpose)
    return replace(answer, document={"journeys": [{"name": journey.name, **answer.document}]})
