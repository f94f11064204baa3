"""The work table: enqueue, claim, settle (decision 3). The same functions on both engines.

Completion is conditional on the claim's epoch, so a process that wakes late changes nothing.
Leases use the database server's clock, which is this machine's on SQLite.
"""

from __future__ import annotations

from storage.work.claims import candidates, claim, release_stale, renew
from storage.work.common import LEASE_SECONDS, enqueued_kinds, server_now
from storage.work.deliveries import AlreadyDone, NewWork, insert_group, once, prune, void
from storage.work.enqueueing import enqueue, refresh
from storage.work.figures import Depth, depths, next_due
from storage.work.lease import Lease, LeaseOver, running_time, still_held, under
from storage.work.recurring import ensure, following, reschedule
from storage.work.settling import complete, park, retry, unclear, unpark

__all__ = [
    "LEASE_SECONDS",
    "AlreadyDone",
    "Depth",
    "Lease",
    "LeaseOver",
    "NewWork",
    "candidates",
    "claim",
    "complete",
    "depths",
    "enqueue",
    "enqueued_kinds",
    "ensure",
    "following",
    "insert_group",
    "next_due",
    "once",
    "park",
    "prune",
    "refresh",
    "release_stale",
    "renew",
    "reschedule",
    "retry",
    "running_time",
    "server_now",
    "still_held",
    "unclear",
    "under",
    "unpark",
    "void",
]
