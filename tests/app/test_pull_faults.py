"""A pull that cannot go on says why, where it stopped and what to look at; it waits as asked, and shows no secret."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path

import httpx2
import pytest

from cxminute.app import fetching as fetching_module
from cxminute.app.cli import run
from cxminute.app.fetching import LONGEST, TRIES
from cxminute.app.project import Project
from cxminute.model.errors import BrokenStore, WrongUse
from cxminute.model.times import MINUTE
from cxminute.store import failpoints
from cxminute.store.log import collecting
from tests.app.market_models import Amazon, Mirakl, Shopify
from tests.app.markets import Asked, Market, Said, serving
from tests.app.test_pulling import Waits, check, project_of, pulled

SECRETS = ("shpat-secret", "refresh-secret", "client-secret", "access-", "mirakl-secret")


class Answering(Shopify):
    """A shop that answers what a test wants, from a question on; None where it is to answer itself."""

    def __init__(self, orders: int) -> None:
        super().__init__(orders)
        self.instead: Callable[[int, Asked], Said | None] = lambda _number, _asked: None

    def answer(self, asked: Asked) -> Said:
        """By the number of the question, from 1."""
        return self.instead(len(self.asked), asked) or super().answer(asked)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[Answering, Path]]:
    """A shop of eleven orders, three pages, and a project that pulls from it."""
    market = Answering(11)
    with serving(market) as url:
        yield market, project_of(tmp_path / "p", market, url)


def test_a_time_to_wait_is_waited(shop: tuple[Answering, Path]) -> None:
    """After 429 with Retry-After nothing is asked before that time, in seconds or as a date, and then all comes."""
    market, root = shop
    waits = Waits(market)

    def throttled(number: int, _asked: Asked) -> Said | None:
        date = formatdate((market.clock + 2 * MINUTE) / 1_000, usegmt=True)
        return Said({}, 429, {"Retry-After": "37" if number == 1 else date}) if number in (1, 3) else None

    market.instead = throttled
    assert pulled(root, market, waits).stopped is None
    check(root, market)
    assert waits.slept[0] == 37
    assert 119 <= max(waits.slept) <= 121, "until the date, by the clock of who named it"


def test_waits_grow_and_end(shop: tuple[Answering, Path]) -> None:
    """An API that fails for good is asked eight times, at growing distances of chance; then the pull says so."""
    market, root = shop
    market.instead = lambda number, _asked: Said({}, 503) if number > 1 else None
    waits = Waits(market)
    done = pulled(root, market, waits)
    assert (done.pages, len(market.asked), len(waits.slept)) == (1, 1 + TRIES, TRIES - 1)
    assert all(0 <= wait <= 2**number for number, wait in enumerate(waits.slept))
    said = str(done.stopped)
    assert "127.0.0.1 answered 503: given up after 8 tries, asking for orders." in said
    assert "In the log of this pull: 1 page; the next cxm pull goes on from there." in said
    market.instead = lambda _number, _asked: None
    again = pulled(root, market)
    assert (again.stopped, again.resumed) == (None, True)
    check(root, market)


def test_who_wants_hours_waited_is_not_waited_for(shop: tuple[Answering, Path]) -> None:
    """A Retry-After beyond the bound ends the pull at once, and is said."""
    market, root = shop
    market.instead = lambda _number, _asked: Said({}, 429, {"Retry-After": str(int(LONGEST) + 1)})
    waits = Waits(market)
    done = pulled(root, market, waits)
    assert waits.slept == []
    assert "wants 901 seconds waited" in str(done.stopped)


@pytest.mark.parametrize(("status", "said"), [(401, "does not know the credentials"), (403, "does not allow this")])
def test_wrong_credentials_name_the_variable(shop: tuple[Answering, Path], status: int, said: str) -> None:
    """Where a token is not accepted its name in the environment is said, never its value; nothing is tried again."""
    market, root = shop
    market.instead = lambda _number, _asked: Said({"errors": "no"}, status)
    done = pulled(root, market)
    assert len(market.asked) == 1
    assert said in str(done.stopped)
    assert "MARKET_TOKEN" in str(done.stopped)
    assert "shpat" not in str(done.stopped)


def test_a_refresh_token_that_is_none_names_its_variables(tmp_path: Path) -> None:
    """Where no access token is given for it, the three variables are named."""
    market = Amazon(3)
    with serving(market) as url:
        root = project_of(tmp_path / "p", market, url)
        market.secrets = {**market.secrets, "refresh_token": "another"}  # type: ignore[misc]  # of this account alone
        environment = {f"MARKET_{key.upper()}": value for key, value in Amazon.secrets.items()}
        market.environment = lambda: environment  # type: ignore[method-assign]  # what the environment still holds
        done = pulled(root, market)
    assert "MARKET_CLIENT_ID, MARKET_CLIENT_SECRET, MARKET_REFRESH_TOKEN" in str(done.stopped)
    assert not any(secret in str(done.stopped) for secret in SECRETS)


def test_redirects_stay_with_the_host(shop: tuple[Answering, Path]) -> None:
    """A redirect to the same host is followed; one to another is refused, since the token would go there."""
    market, root = shop

    def moved(_number: int, asked: Asked) -> Said | None:
        here = f"/moved{asked.path}?" + "&".join(f"{key}={value}" for key, value in asked.query.items())
        return None if asked.path.startswith("/moved") else Said({}, 302, {"Location": here})

    sound = market.told
    market.told = lambda asked: sound(  # type: ignore[method-assign]  # the same, elsewhere on the same host
        Asked(asked.path.removeprefix("/moved"), asked.query, asked.headers, asked.form)
    )
    market.instead = moved
    assert pulled(root, market).stopped is None
    check(root, market)
    market.instead = lambda _number, _asked: Said({}, 307, {"Location": "https://elsewhere.example/orders"})
    done = pulled(root, market)
    assert "sends on to elsewhere.example: the credentials do not go there" in str(done.stopped)


def test_an_answer_without_bound_is_left(shop: tuple[Answering, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer larger than any page is not read to its end, and a smaller page is what helps."""
    market, root = shop
    monkeypatch.setattr(fetching_module, "LARGEST", 1 << 10)
    done = pulled(root, market)
    assert "is larger than" in str(done.stopped)
    assert "a smaller size under [pull] (now 4)" in str(done.stopped)


def test_an_answer_of_another_kind_is_said(shop: tuple[Answering, Path]) -> None:
    """An answer without the list that belongs there stops the pull, which says what was expected."""
    market, root = shop
    market.instead = lambda _number, _asked: Said({"orders": "none today"})
    assert "Allowed: a list of objects under 'orders'" in str(pulled(root, market).stopped)


def test_a_page_that_names_itself_ends_the_pull(shop: tuple[Answering, Path]) -> None:
    """An API that gives the same page again as the next is not asked for ever."""
    market, root = shop
    market.instead = lambda _number, _asked: Said(
        {"orders": []}, headers={"Link": '<https://a.example/?page_info=round>; rel="next"'}
    )
    assert "names a page as the one after itself" in str(pulled(root, market).stopped)
    assert len(market.asked) == 2


def test_a_place_that_expired_is_no_end(shop: tuple[Answering, Path]) -> None:
    """Where the API does not take a page's token any more, the same span is asked for from its first page."""
    market, root = shop
    market.instead = lambda number, _asked: Said({}, 503) if number > 1 else None
    assert pulled(root, market).stopped is not None
    market.instead = lambda _number, asked: Said({}, 400) if "page_info" in asked.query else None
    asked = len(market.asked)
    assert "does not take the question (answer 400)" in str(pulled(root, market).stopped)
    assert ["page_info" in one.query for one in market.asked[asked:]] == [True, False, True]
    expired = [asked_.query["page_info"] for asked_ in market.asked[asked:] if "page_info" in asked_.query]
    market.instead = lambda _number, asked_: (
        Said({}, 400) if asked_.query.get("page_info") == expired[0] and len(market.asked) < asked + 5 else None
    )
    assert pulled(root, market).stopped is None
    check(root, market)


def test_once_a_minute_is_once_a_minute(tmp_path: Path) -> None:
    """What may be asked for once a minute is, from page to page and from one command to the next."""
    market = Mirakl(9)
    with serving(market) as url:
        root = project_of(tmp_path / "p", market, url)
        path = root / "sources" / "market.toml"
        path.write_text(path.read_text("utf-8").replace('every = "0 seconds"', 'every = "1 minute"'), "utf-8")
        waits = Waits(market)
        assert pulled(root, market, waits).stopped is None
        assert [round(wait) for wait in waits.slept] == [60, 60]
        later = Waits(market)
        assert pulled(root, market, later).stopped is None
        assert [wait > 40 for wait in later.slept] == [True]


def test_two_pulls_at_once_are_refused(shop: tuple[Answering, Path]) -> None:
    """While a source is being pulled a second pull of it ends at once."""
    market, root = shop
    with (
        collecting(Project(root).folder / "pulls" / "market"),
        pytest.raises(BrokenStore, match="is being pulled already"),
    ):
        pulled(root, market)
    assert market.asked == []


def test_a_variable_that_is_not_there_is_named(shop: tuple[Answering, Path]) -> None:
    """Without its secret a source is not asked for; the message names the variable and the key."""
    market, root = shop
    market.environment = dict  # type: ignore[method-assign]  # nobody has set it
    with pytest.raises(WrongUse, match=r"The environment has no MARKET_TOKEN, where .* says that 'token' is"):
        pulled(root, market)
    assert market.asked == []


@pytest.mark.parametrize("value", ["shpat-\u20ac", "shpat-secret\nX-Other: header"])
def test_a_secret_that_can_be_none_is_not_sent(shop: tuple[Answering, Path], value: str) -> None:
    """A value that no header may hold is refused by the name of its variable, before anything is asked."""
    market, root = shop
    market.environment = lambda: {"MARKET_TOKEN": value}  # type: ignore[method-assign]  # pasted with too much
    with pytest.raises(WrongUse, match="What MARKET_TOKEN of the environment holds can be no secret") as refused:
        pulled(root, market)
    assert "shpat" not in str(refused.value)
    assert market.asked == []


def test_a_wrong_url_is_said(tmp_path: Path) -> None:
    """Where nobody answers, or something that is no API, the pull ends in time and says what to look at."""
    market = Answering(1)
    root = project_of(tmp_path / "p", market, "http://127.0.0.1:9")
    assert "gave no answer (ConnectError): given up after 8 tries" in str(pulled(root, market).stopped)
    market.instead = lambda _number, _asked: Said(b"<html>Welcome to our shop</html>")
    with serving(market) as url:
        done = pulled(project_of(tmp_path / "q", market, url), market)
    assert "not JSON: given up after 8 tries, asking for orders. Allowed: an API that answers at the url" in str(
        done.stopped
    )


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_page_that_did_not_get_in_is_asked_for_again(
    shop: tuple[Answering, Path], monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """While the disk is full the cursor stays before the page that could not be written; with room again all comes."""
    market, root = shop

    def full(number: int, _asked: Asked) -> None:
        if number == page:
            monkeypatch.setenv("CXM_FAILPOINTS", "segment.written=enospc")
            failpoints.armed.cache_clear()

    market.instead = full
    try:
        with pytest.raises(OSError, match="No space left on device"):
            pulled(root, market)
    finally:
        monkeypatch.delenv("CXM_FAILPOINTS")
        failpoints.armed.cache_clear()
    assert len(market.asked) == page
    market.instead = lambda _number, _asked: None
    assert pulled(root, market).stopped is None
    check(root, market)


# -- the command -------------------------------------------------------------------------------------------------------


def commanded(root: Path, *more: str) -> int:
    """The command, in this project."""
    return run(["pull", *more, "--project", str(root)])


def set_environment(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """The secrets where the command looks for them."""
    for name, value in market.environment().items():
        monkeypatch.setenv(name, value)


def test_the_command_says_what_came(
    shop: tuple[Answering, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Text says pages, records and events, JSON the same; a dry run asks for one page and writes nothing."""
    market, root = shop
    set_environment(market, monkeypatch)
    assert commanded(root, "market", "--dry-run") == 0
    assert "4 Order Completed" in capsys.readouterr().out
    assert len(market.asked) == 1
    assert Project(root).log.collects() == []
    assert commanded(root, "market") == 0
    said = capsys.readouterr()
    assert "orders: 3 pages, 11 records; 11 events added, 0 in quarantine." in said.out
    assert "asked for what was changed since 2026-01-01 00:00:00 UTC; all before 2026-02-16" in said.out
    assert said.err == "", "in a pipe no bar is drawn"
    assert commanded(root, "--since", "2026-02-01", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["source"] == "market"
    [one] = document["pulls"]
    assert (one["since"], one["pages"], one["records"]) == ("2026-02-01T00:00:00.000Z", 3, 11)
    assert (one["added"], one["repeated"], one["finished"], one["stopped"]) == (0, 11, True, None)


def test_a_stopped_pull_is_exit_3(
    shop: tuple[Answering, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What stopped is told on standard error, with exit code 3, and in the JSON; no secret is in either."""
    market, root = shop
    set_environment(market, monkeypatch)
    market.instead = lambda number, _asked: Said({}, 401) if number > 2 else None
    assert commanded(root, "--json") == 3
    said = capsys.readouterr()
    [one] = json.loads(said.out)["pulls"]
    assert (one["finished"], one["pages"]) == (False, 2)
    assert "does not know the credentials (answer 401)" in said.err
    assert "In the log of this pull: 2 pages" in said.err
    assert not any(secret in said.out + said.err for secret in SECRETS)


def test_no_secret_is_kept(
    shop: tuple[Answering, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After a pull no file of the project holds the token, and no record of any log, however talkative, has it."""
    market, root = shop
    caplog.set_level(1)
    set_environment(market, monkeypatch)
    assert commanded(root) == 0
    assert caplog.records
    assert not any(secret in record.getMessage() for record in caplog.records for secret in SECRETS)
    files = [path for path in root.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert not any(b"shpat-secret" in path.read_bytes() for path in files)


def test_sources_without_pull_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A source that is not pulled is refused as wrong use, saying which are."""
    market = Shopify(1)
    root = project_of(tmp_path / "p", market, "http://127.0.0.1:1")
    text = (root / "sources" / "market.toml").read_text("utf-8")
    start, end = text.index("[pull]"), text.index("[contract]")
    (root / "sources" / "other.toml").write_text(
        text.replace('name = "market"', 'name = "other"')[: start - 1] + text[end:], "utf-8"
    )
    assert commanded(root, "other") == 2
    assert "its file has no [pull]. Allowed: market" in capsys.readouterr().err
    assert commanded(root, "markt") == 2
    assert "Did you mean 'market'?" in capsys.readouterr().err


def test_a_fault_of_pull_is_a_fault_of_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The check names the line of what is wrong under [pull]."""
    market = Shopify(1)
    root = project_of(tmp_path / "p", market, "https://shop.example", more='tokn = "env:A"\n')
    assert run(["check", "--project", str(root)]) == 1
    assert "Unknown key 'tokn'. Did you mean 'token'?" in capsys.readouterr().out + capsys.readouterr().err


def test_a_certificate_that_is_not_trusted_ends_the_pull(
    shop: tuple[Answering, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who cannot prove who it is gets nothing, and is not asked again."""
    market, root = shop
    tried: list[object] = []

    def untrusted(_client: httpx2.Client, request: object, **_: object) -> None:
        tried.append(request)
        try:
            raise ssl.SSLCertVerificationError("self-signed certificate")
        except ssl.SSLError as fault:
            raise httpx2.ConnectError("no") from fault

    monkeypatch.setattr(httpx2.Client, "send", untrusted)
    done = pulled(root, market)
    assert "does not prove that it is who it says (TLS)" in str(done.stopped)
    assert len(tried) == 1
