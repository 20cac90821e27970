"""`cxm demo`: a simulated shop through the whole path, from files to the brief."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

from cxminute.app import output
from cxminute.app.analysis import view
from cxminute.app.brief import save, tell_week
from cxminute.app.collecting import collect_file, recognise
from cxminute.app.commands.setup import clear, init
from cxminute.app.options import Reading
from cxminute.app.project import Project
from cxminute.minute.terminal import terminal
from cxminute.simulation.shop import simulate
from cxminute.simulation.writing import write

STARTS: Final = date(2026, 3, 2)
"""The first Monday of the demo shop's fourteen weeks."""


def run_demo(folder: Path, seed: int) -> None:
    """Simulates, collects and tells; leaves a project to look around in, with the written truth beside its data."""
    clear(folder)
    output.say(f"A shop of its own, with fourteen weeks of customers (seed {seed}) ...")
    simulated = simulate(seed, starts=STARTS)
    init(folder, template="shop")
    (folder / ".cxm-demo").touch()
    paths = write(simulated, folder / "data")
    project = Project(folder)
    for name, source in project.definitions.sources.items():
        with output.progress(paths[name].name, None) as advance:
            done = collect_file(project, paths[name], source, simulated.until, advance)
        output.say(f"  {paths[name].name}: {done.counts.rows:,} rows, {done.counts.added:,} events")
    recognise(project)
    told = tell_week(view(Reading(project=folder)), simulated.weeks[-1])
    page = save(told.brief, folder / ".cxm" / "briefs")
    output.say("")
    output.console().print(terminal(told.brief, details=False))
    output.say("")
    output.say(f"The same with charts and tables: {page}")
    output.say(f"What was planted, to compare: {paths['truth']}")
    seen = "cxm marketplaces; cxm promises --by carrier; cxm journeys checkout --by browser"
    output.say(f"Look around: cd {folder}; {seen}")
