"""python -m sandbox.shop: runs the demo shop until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from pathlib import Path

import click
import structlog

from sandbox.shop.server import ShopSandbox


@click.command()
@click.option("--dir", "directory", type=click.Path(path_type=Path), required=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=0, show_default=True, help="Port of the control address.")
@click.option("--primary-port", default=0, show_default=True)
@click.option("--standby-port", default=0, show_default=True)
@click.option("--seed", default=1111, show_default=True, help="Of the orders that are made up.")
@click.option("--rate", default=12.0, show_default=True, help="Orders a minute; 0: none.")
def main(
    directory: Path,
    host: str,
    port: int,
    primary_port: int,
    standby_port: int,
    seed: int,
    rate: float,
) -> None:
    """The demo shop “Formosa Goods”. When it is ready it prints its addresses as a line of JSON."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    sandbox = ShopSandbox(
        directory,
        port=port,
        primary_port=primary_port,
        standby_port=standby_port,
        seed=seed,
        rate=rate,
        host=host,
    )
    try:
        asyncio.run(_run(sandbox))
    except OSError as error:
        raise click.ClickException(
            f"--port: an address could not be taken ({error.strerror}); choose another port."
        ) from None


async def _run(sandbox: ShopSandbox) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await sandbox.start()
    try:
        sys.stdout.write(json.dumps(sandbox.says()) + "\n")
        sys.stdout.flush()
        await stopped.wait()
    finally:
        await sandbox.stop()


if __name__ == "__main__":
    main()
