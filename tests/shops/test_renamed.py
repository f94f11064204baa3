"""The shops of the ready-made mappings with every table and column renamed: what inspect proposes
by their rows alone is so, what it cannot know it asks, and with that answered each planted fault
is found."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from checks.shop.inspect import propose
from tests.conftest import pg_database
from tests.shops import test_magento, test_medusa, test_oscar, test_woocommerce
from tests.shops.answering import answered
from tests.shops.forwarding import forwarded
from tests.shops.looking import Found, Looker, recognised
from tests.shops.magento.answers import ANSWERS as OF_MAGENTO
from tests.shops.magento.shop import MagentoShop
from tests.shops.meaning import differences, meaning
from tests.shops.medusa import shop as medusa
from tests.shops.medusa.answers import ANSWERS as OF_MEDUSA
from tests.shops.oscar import shop as oscar
from tests.shops.oscar.answers import ANSWERS as OF_OSCAR
from tests.shops.renaming import renamed
from tests.shops.trading import traded
from tests.shops.woocommerce.answers import ANSWERS as OF_WOOCOMMERCE
from tests.shops.woocommerce.shop import WooShop

pytestmark = pytest.mark.slow
SEEDS = (5, 31)
RETURNS = ("return-twice", "return-overdue", "return-without-reason", "return-too-late")


@dataclass
class Written:
    """A shop with months of trade and planted faults, before anything is renamed."""

    url: str
    checks: Sequence[dict[str, Any]]
    planted: Found
    named: Mapping[str, str]  # what the plan calls an order: what people call it
    answers: Mapping[str, Any]
    # What inspect must find itself.
    entities: set[str]
    # Where the ready-made mapping knows more: that nothing is sent of an order.
    besides: Mapping[str, set[str]] = field(default_factory=dict)
    # Checks that ask of what it does not find, and the entity that it says so of.
    unseen: Mapping[str, str] = field(default_factory=dict)
    # Entities of which it may take another table, and fields that the ready-made mapping has not.
    by_order: frozenset[str] = frozenset()
    more: frozenset[str] = frozenset()


def held(shop: Written, folder: Path, seed: int) -> None:
    """The test itself."""
    known = recognised(shop.url).mapping
    truth = meaning(shop.url, known, "EUR")
    names = renamed(shop.url, seed)
    proposal = propose(shop.url, signatures=False)
    assert shop.entities <= proposal.mapping.keys() | set(proposal.open), proposal.judged
    mapping = answered(proposal, shop.answers, names)
    own = meaning(shop.url, mapping, "EUR")
    assert differences(truth, own, more=shop.more, by_order=shop.by_order) == {}
    looker = Looker(folder, shop.url, "EUR", mapping, shop.checks)
    looker.verified()
    found = test_medusa.by_name(looker.found(), shop.named)
    wanted = {check: _keys(by) for check, by in shop.planted.items() if check not in shop.unseen}
    told = {check: _keys(by) - shop.besides.get(check, set()) for check, by in found.items()}
    seen = {check: keys for check, keys in told.items() if keys and check not in shop.unseen}
    assert seen == wanted
    said = " ".join([*proposal.questions, *proposal.open])
    assert {entity for entity in shop.unseen.values() if entity not in said} == set()


def _keys(by_subject: Mapping[str, set[str]]) -> set[str]:
    return {key for keys in by_subject.values() for key in keys}


@pytest.fixture(scope="module")
def oscars_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return oscar.installed(tmp_path_factory.mktemp("oscar") / "venv")


@pytest.mark.parametrize("seed", SEEDS)
def test_django_oscar_renamed(oscars_python: Path, tmp_path: Path, seed: int) -> None:
    """Lines, stock and streets too."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    shop = oscar.OscarShop(oscars_python, url)
    plan = [*oscar.trade(traded()), *test_oscar.IN_ORDER, *test_oscar.WRONG]
    shop.written(plan, [*test_oscar.ARTICLES, *oscar.articles()])
    found = {"orders", "order_lines", "payments", "refunds", "state_changes", "stock"}
    held(
        Written(
            url, [test_oscar.STUCK, test_oscar.AMOUNTS], test_oscar.PLANTED, {}, OF_OSCAR, found,
            besides={"address-incomplete": {"W-9"}, "phone-missing": {"W-9"}},
            more=frozenset({"orders.phone"}),
        ),
        tmp_path, seed,
    )  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_magento_renamed(mariadb_url: str, tmp_path: Path, seed: int) -> None:
    """Its amounts stand there twice, in two currencies: which of them counts is asked."""
    shop = MagentoShop(f"{mariadb_url}&init_command=SET time_zone='%2B00:00'")
    shop.trade(traded())
    test_magento.in_order(shop)
    planted = test_magento.plant(shop)
    shop.close()
    found = {"orders", "order_lines", "payments", "refunds", "state_changes"}
    named = {"virtual": "100000171", "Hong Kong": "100000172"}  # the eleventh and twelfth in order
    held(
        Written(
            mariadb_url, test_magento.CHECKS, planted, named, OF_MAGENTO, found,
            besides={
                "address-incomplete": set(named), "phone-missing": {"virtual"},
            },
            unseen={"stock-short": "stock"},
        ),
        tmp_path, seed,
    )  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_woocommerce_renamed(mariadb_url: str, tmp_path: Path, seed: int) -> None:
    """Refunds among the orders, lines as names and values; what was paid stands in no table."""
    shop = WooShop(mariadb_url)
    shop.trade(traded(other=("JPY", "163")))
    test_woocommerce.in_order(shop)
    planted = test_woocommerce.plant(shop)
    shop.close()
    found = {"orders", "order_lines", "payments", "refunds"}
    held(
        Written(
            mariadb_url, test_woocommerce.CHECKS, planted, {}, OF_WOOCOMMERCE, found,
            besides={"address-incomplete": {"457", "458"}}, unseen={"stock-short": "stock"},
        ),
        tmp_path, seed,
    )  # fmt: skip


@pytest.fixture(scope="module")
def medusas_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The shop's programs, which go again at the end."""
    lacks = medusa.missing()
    if lacks is not None:
        if os.environ.get("MUSTER_REQUIRE_ALL"):
            pytest.fail(f"{lacks}, and MUSTER_REQUIRE_ALL is set")
        pytest.skip(f"not run: {lacks}")
    made = tmp_path_factory.mktemp("medusa") / "shop"
    medusa.installed(made)
    yield made
    shutil.rmtree(made)


def test_medusa_renamed(medusas_folder: Path, pg_server: str, tmp_path: Path) -> None:
    """Orders through two tables, totals in documents; where an order stands is in no column."""
    socket = Path(str(make_url(pg_server).query["host"])) / ".s.PGSQL.5432"
    with forwarded(socket) as port, pg_database(pg_server) as url:
        shop = medusa.MedusaShop(medusas_folder, url, port)
        shop.migrated()
        named = test_medusa.written(shop, medusa.trade(traded(110)))
        found = {"orders", "order_lines", "payments"}
        held(
            Written(
                url, test_medusa.CHECKS, test_medusa.PLANTED, named, OF_MEDUSA, found,
                besides={"address-incomplete": {"W-10"}}, by_order=frozenset({"payments"}),
                more=frozenset({"orders.phone"}),
                unseen={
                    "stock-short": "stock",
                    **dict.fromkeys(RETURNS, "return_requests"),
                    # The session that stands for it was made just now, which is not late.
                    "payment-without-order": "payments",
                },
            ),
            tmp_path, SEEDS[0],
        )  # fmt: skip
