"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

missing = WORK / "nope.db"
done = muster("shop", "inspect", f"sqlite:///{missing}")
want(not missing.exists(), "a file that is not there is not created")
want(done.returncode == 2, f"… and is an error (was: exit {done.returncode})")
path = database()
done = muster("shop", "inspect", f"sqlite:///{path}")
import yaml
mapping = yaml.safe_load(done.stdout)["shop"]["mapping"]
want(mapping["orders"]["from"] == "orders", f"orders, not the backup (was: {mapping['orders']['from']})")
want(mapping["payments"]["from"] == "payments", f"payments, not payment_methods (was: {mapping['payments']['from']})")
path = database("updated.sql")
done = muster("shop", "inspect", f"sqlite:///{path}")
want(any(line.startswith("#") and "state_since" in line for line in done.stdout.splitlines()), "updated_at as the time of the state is asked about")
path = database("view.sql")
done = muster("shop", "inspect", f"sqlite:///{path}")
want("from: orders" in done.stdout, "a view called orders is offered")
end()
