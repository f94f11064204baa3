"""The bot as it is, in a process whose database has no room for as long as a file is there.

    python -m tests.house.full_disk_bot DATABASE FILE run --config …

SQLite itself meets ENOSPC (tests.faults.disk); the product knows nothing of it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bot.cli.main import main
from tests.faults.disk import bad_disk

if __name__ == "__main__":
    database, file = Path(sys.argv.pop(1)), Path(sys.argv.pop(1))
    with bad_disk(database, gone=False, when=file.exists):
        main()
