"""The root of all errors, one class per thing that the caller can do about it, and the nearest right name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class CxmError(Exception):
    """Something that CX Minute can say clearly: what, where, what is allowed, and what happens next.

    what:    the fault, one sentence, without a person's data
    file:    the file it stands in, where there is one
    line:    its line, counted from 1
    row:     the row of a data file, counted from 1 without the header
    allowed: what would be right, in words
    nearest: the nearest right name
    then:    what happens next, or what was left unchanged
    exit_code: what the command line answers with: 1 the answer is no, 2 wrong use, 3 the data or machine failed
    """

    exit_code = 3

    def __init__(
        self,
        what: str,
        *,
        file: str | None = None,
        line: int | None = None,
        row: int | None = None,
        allowed: str | None = None,
        nearest: str | None = None,
        then: str | None = None,
    ) -> None:
        self.what, self.file, self.line, self.row = what, file, line, row
        self.allowed, self.nearest, self.then = allowed, nearest, then
        super().__init__(str(self))

    def __reduce__(self) -> tuple[object, ...]:
        """As it is, whatever its class is made from: a worker's error is the same error to who asked."""
        return _again, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        """Place, fault, nearest name, what is allowed, what happens next: in the order in which a reader needs them."""
        place = self.file or ""
        if self.file and self.line is not None:
            place += f":{self.line}"
        if self.row is not None:
            place += f" row {self.row}"
        said = f"{place.strip()}: {self.what}" if place else self.what
        if self.nearest:
            said += f" Did you mean '{self.nearest}'?"
        if self.allowed:
            said += f" Allowed: {self.allowed}."
        if self.then:
            said += f" {self.then}"
        return said


class WrongUse(CxmError):
    """A command or function was called in a way that cannot be answered: mend the call."""

    exit_code = 2


class BadDefinition(CxmError):
    """A definition in the project folder is wrong: mend the file; `cxm check` lists all such faults."""

    exit_code = 1


class BadPattern(BadDefinition):
    """A journey's pattern or a step cannot be read: the line's text and column (from 1) and what was expected.

    line: of the pattern, from 1; of the file, once it is known in which it stands
    """

    def __init__(self, what: str, *, text: str = "", column: int = 1, **facts: str | int | None) -> None:
        self.text, self.column = text, column
        super().__init__(what, **facts)  # type: ignore[arg-type]  # the same keywords, checked by the parent

    def __str__(self) -> str:
        """The fault, and the line of the pattern with a caret under the place."""
        said = super().__str__()
        if not self.file and (self.line or 1) > 1:
            said += f" Line {self.line}:"
        return f"{said}\n  {self.text}\n  {' ' * (self.column - 1)}^" if self.text else said


class UnknownName(BadDefinition):
    """A name that nothing defines was used: source, journey, promise, path, event or key."""

    def __init__(self, kind: str, name: str, known: Iterable[str], **facts: str | int | None) -> None:
        self.kind, self.name = kind, name
        names = sorted(set(known))
        shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        super().__init__(
            f"There is no {kind} '{name}'.",
            nearest=nearest(name, names),
            allowed=shown or f"nothing yet: no {kind} is defined",
            **facts,  # type: ignore[arg-type]  # the same keywords, checked by the parent
        )


class BadData(CxmError):
    """A file or its rows cannot be read as what they claim to be: mend the file or the mapping."""


class Refused(CxmError):
    """The contract of a source does not allow this use: change the purpose, or the contract, if you may."""

    exit_code = 1


class BrokenStore(CxmError):
    """What lies in `.cxm` is damaged or of a newer version: restore it, or collect again."""


class Unavailable(CxmError):
    """A part outside of the package is missing or gives no answer: install it, start it, or mend its address."""


def _again(kind: type[CxmError], args: tuple[object, ...], facts: dict[str, object]) -> CxmError:
    fault = kind.__new__(kind, *args)
    fault.__dict__.update(facts)
    return fault


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, or None where nothing is near (case does not count)."""
    by_lower = {candidate.casefold(): candidate for candidate in known}
    found = get_close_matches(name.casefold(), by_lower, n=1, cutoff=0.5)
    return by_lower[found[0]] if found else None
