"""`python -m sandbox.slack`: starts the sandbox and says where it is."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

import click

from sandbox.slack.config import AppConfig, ManifestError
from sandbox.slack.server import SlackSandbox


@click.command()
@click.option("--port", default=0, show_default="a free one", help="The port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--manifest",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The app's Slack manifest; without it the app may do everything.",
)
@click.option(
    "--http-events",
    metavar="URL",
    help="Send payloads to this URL as signed requests instead of Socket Mode.",
)
def main(port: int, host: str, manifest: Path | None, http_events: str | None) -> None:
    """A Slack workspace on this machine, to try an app and to test it."""
    try:
        config = AppConfig.read(manifest) if manifest else None
    except ManifestError as error:
        raise click.ClickException(str(error)) from None
    asyncio.run(_serve(SlackSandbox(port, config, host=host, http_events=http_events), port))


async def _serve(sandbox: SlackSandbox, port: int) -> None:
    try:
        url = await sandbox.start()
    except OSError as error:
        raise click.ClickException(
            f"port {port} is taken: choose another with --port ({error.strerror})"
        ) from None
    click.echo(json.dumps({"url": url}))
    sys.stdout.flush()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for kind in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(kind, stopped.set)
    await stopped.wait()
    await sandbox.stop()


if __name__ == "__main__":
    main()
