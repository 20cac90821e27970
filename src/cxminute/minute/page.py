"""The brief as a page: one HTML file with its charts inside, no script, no address, light, dark and on paper."""

from __future__ import annotations

from importlib.resources import files

from cxminute.minute.brief import Brief


def page(brief: Brief) -> str:
    """The brief as one HTML file. All that comes from data is escaped; the page may load nothing from anywhere."""
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 -- only pages need it
    from markupsafe import Markup  # noqa: PLC0415 -- comes with jinja2

    from cxminute.minute.charts import charts  # noqa: PLC0415 -- altair is heavy

    source = files("cxminute.minute").joinpath("page.html").read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    # Vega escapes the text that it draws: this is the one thing set into the page as it stands.
    drawn = [(title, Markup(svg)) for title, svg in charts(brief)]  # noqa: S704 -- drawn by vl-convert, tested
    return template.from_string(source).render(brief=brief, sections=list(brief.sections()), charts=drawn)
