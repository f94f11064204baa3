"""The work table: enqueue, claim, settle (decision 3). The same functions on both engines.

Completion is conditional on the claim's epoch, so a process that wakes late changes nothing.
Leases use the database server's clock, which is this machine's on SQLite.
"""

from __future__ import annotations

from storage.work.claims import candidates, claim, release_stale, renew
from storage.work.clock import SetBack, bring_near
from storage.work.common import LEASE_SECONDS, enqueued_kinds, server_now
from storage.work.dead_letters import Stuck, parked, unclear_now, unpark_all
from storage.work.deliveries import AlreadyDone, NewWork, insert_group, once, void
from storage.work.enqueueing import enqueue, refresh
from storage.work.figures import Depth, Undelivered, depths, next_due, states, undelivered
from storage.work.lease import Lease, LeaseOver, running_time, still_held, under
from storage.work.ordering import left_behind, let_go
from storage.work.pruning import outlived, prune
from storage.work.recurring import ensure, following, nearer, reschedule
from storage.work.settling import complete, end_leases, park, retry, set_aside, unclear, unpark

__all__ = [
    "LEASE_SECONDS",
    "AlreadyDone",
    "Depth",
    "Lease",
    "LeaseOver",
    "NewWork",
    "SetBack",
    "Stuck",
    "Undelivered",
    "bring_near",
    "candidates",
    "claim",
    "complete",
    "depths",
    "end_leases",
    "enqueue",
    "enqueued_kinds",
    "ensure",
    "following",
    "insert_group",
    "left_behind",
    "let_go",
    "nearer",
    "next_due",
    "once",
    "outlived",
    "park",
    "parked",
    "prune",
    "refresh",
    "release_stale",
    "renew",
    "reschedule",
    "retry",
    "running_time",
    "server_now",
    "set_aside",
    "states",
    "still_held",
    "unclear",
    "unclear_now",
    "undelivered",
    "under",
    "unpark",
    "unpark_all",
    "void",
]
