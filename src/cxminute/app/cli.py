"""The command `cxm`: names its commands and answers for their errors; each command is loaded when it is called.

Exit codes: 0 fine, 1 the answer is no, 2 wrong use, 3 the data or machine failed.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.metadata import version
from typing import Final

from cyclopts import App, CycloptsError

from cxminute.model.errors import BadDefinition, CxmError

COMMANDS: Final = {
    "demo": ("setup:demo", "A shop of its own, with weeks of customers and known troubles; ends in a brief."),
    "init": ("setup:init", "Make a new project folder: from a template, or with a mapping proposed from a file."),
    "check": ("setup:check", "Is everything well defined? Lists every fault, with its nearest right name."),
    "schema": ("schemas:schema", "JSON Schema of the definition files, for editors."),
    "collect": ("collecting:collect", "Take files, or a query's rows, into the log; say what was rejected and why."),
    "pull": ("pulling:pulling", "Fetch what was changed from a source's API; interrupted, it goes on from there."),
    "collects": ("collecting:app", "Show what was collected; take one back."),
    "quarantine": ("quarantine:app", "Show what could not become an event; replay it under a mended mapping."),
    "events": ("reading:events", "Names, volumes and properties of what the log holds."),
    "people": ("people:people", "How many people there are, by what they are recognised, and what links nobody."),
    "person": ("person:person", "What one person did: identifiers, when and where they were seen, last events."),
    "link": ("linking:link", "Say that two identifiers are one person's, and see what that changes."),
    "unlink": ("linking:unlink", "Take that back, or hold two identifiers apart; see what that changes."),
    "accounts": ("accounts:accounts", "Accounts, households, partners: members and roles, value, who depends on whom."),
    "linkage": ("linkage:linkage", "People without a shared identifier: train, score, review, accept, decline."),
    "consent": ("consent:app", "What people said of which purpose, and what it comes to; record, import."),
    "journeys": ("journeying:journeys", "How passages end: funnel, curve, times, flows, off-path share; the plan."),
    "flows": ("activity:flows", "Which event follows which, around any event, in both directions."),
    "retention": ("activity:retention", "Who came back, by when they began."),
    "lifecycle": ("activity:lifecycle", "New, returning, resurrected and dormant subjects."),
    "stickiness": ("activity:stickiness", "On how many days the active were active."),
    "promises": ("reading:promises", "States, target, budget and burn of promises."),
    "marketplaces": ("marketplaces:marketplaces", "Each marketplace beside the own shop: money, promises, returns."),
    "minute": ("minute:minute", "The brief of a week, read in one minute."),
    "serve": ("serving:serve", "Take events in over HTTP, of one or more projects, until it is stopped."),
    "keys": ("keys:app", "Write keys of sources: list, add, rotate, revoke."),
    "export": ("exporting:export", "Everything held on one person, for them: JSON and CSV in a zip."),
    "retain": ("retaining:retain", "Remove personal data whose term is over, and prove it."),
    "requests": ("requests:app", "What people ask of their data, who they are, and by when it is due."),
    "forget": ("forgetting:forget", "Forget people, in every place, and prove it."),
    "backup": ("backups:backup", "Put a project away in one file, while it works."),
    "restore": ("backups:restore", "Bring a backup back into a new folder, and check it."),
    "doctor": ("setup:doctor", "Is what lies on disk what was written?"),
}
"""Every command: where it lives, and what it is for."""
OVER_EVENTS: Final = frozenset(
    {
        "demo",
        "events",
        "flows",
        "journeys",
        "lifecycle",
        "marketplaces",
        "minute",
        "promises",
        "retention",
        "stickiness",
    }
)
"""Those that run compiled kernels: what they need is compiled before they are loaded."""


def build() -> App:
    """The command line, without loading any command."""
    app = App(
        name="cxm",
        help="What your customers went through, which promises were kept, and what to do next.",
        version=lambda: version("cxminute"),
        help_format="plaintext",
        suppress_keyboard_interrupt=False,
    )
    for name, (place, said) in COMMANDS.items():
        app.command(f"cxminute.app.commands.{place}", name=name, help=said)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Runs one command line and leaves with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Runs one command line; returns its exit code. Errors are one clear text on standard error, never a traceback.

    With CXM_DEBUG in the environment an error is raised as it is; it may show data.
    """
    try:
        if OVER_EVENTS.intersection(arguments[:1]) and not {"--help", "-h"}.intersection(arguments):
            from cxminute.app.warming import warm  # noqa: PLC0415 -- only for commands that need it

            warm()
        answer = build()(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):  # the reader of our output left: nothing more to say
        with suppress(OSError, ValueError):  # what is still held back would be written when the process ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        _tell("Stopped. What was committed stays; the same command goes on from there.")
        return 130
    except Exception as fault:
        if os.environ.get("CXM_DEBUG"):
            raise
        _tell(_said(fault))
        return _code(fault)
    return answer if isinstance(answer, int) else 0


def _said(fault: Exception) -> str:
    """What went wrong; of an error inside, its kind alone, since its text may show data."""
    if isinstance(fault, CxmError):
        return str(fault)
    if isinstance(fault, CycloptsError):
        said = str(fault).strip()
        return said if "Available" in said else f"{said} Allowed: what the command with --help lists."
    if isinstance(fault, OSError):
        return f"{fault.strerror or fault}{f': {fault.filename}' if fault.filename else ''}"
    return f"Something broke inside ({type(fault).__name__}). cxm doctor says whether the log is whole."


def _code(fault: Exception) -> int:
    """The exit code: a name, a time or a week that is wrong on the command line is wrong use; in a file, a no."""
    if isinstance(fault, CycloptsError) or (isinstance(fault, BadDefinition) and fault.file is None):
        return 2
    return fault.exit_code if isinstance(fault, CxmError) else 3


def _tell(text: str) -> None:
    from cxminute.app.output import note  # noqa: PLC0415 -- only when something went wrong

    note(f"cxm: {text}")


if __name__ == "__main__":
    main()
