"""Known shops page: the ready-made mappings as the table of docs/checks.md."""

from __future__ import annotations

from collections.abc import Iterator

from checks.shop.known_shop import KnownShop, known_shops


def known_shops_page() -> Iterator[str]:
    """A table of the shops, then what each leaves to the person."""
    yield "| shop | version | made from | run | entities |"
    yield "| --- | --- | --- | --- | --- |"
    for shop in known_shops():
        mapped = ", ".join(f"`{entity}`" for entity in shop.mapping)
        ran = "yes, in `.ci/full`" if shop.ran else "no: schema from its migrations"
        yield f"| {shop.name} | {shop.version} | {_source(shop)} | {ran} | {mapped} |"
    yield ""
    yield "| shop | what stays open | why |"
    yield "| --- | --- | --- |"
    for shop in known_shops():
        for one in shop.open:
            yield f"| {shop.name} | `{one.path}` | {one.why.replace('|', '/')} |"


def _source(shop: KnownShop) -> str:
    files = "; ".join(shop.source.files)
    return f"[{shop.source.project.removeprefix('https://')}]({shop.source.project}): {files}"
