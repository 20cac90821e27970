"""The soak of the laws: it counts its cases, and tells what fails with all that is needed to see it again."""

from __future__ import annotations

import pytest

from soaks import laws
from tests.laws import journey_laws


def test_a_law_that_holds_is_counted() -> None:
    """As many cases are tried as were asked for, and no fault is told."""
    cases, _, fault = laws.hold(6, 20, 7)
    assert cases >= 20
    assert fault is None


def test_a_law_that_fails_is_told_with_its_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest case that hypothesis found stands in the fault."""

    def never(_: object) -> None:
        raise AssertionError("this law never holds")

    monkeypatch.setattr(journey_laws, "check_once", never)
    _, _, fault = laws.hold(6, 20, 7)
    assert fault is not None
    assert "this law never holds" in fault
    assert "definition=" in fault
