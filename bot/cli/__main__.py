"""`python -m bot.cli`: the same as `muster`."""

from bot.cli.main import main

main()
