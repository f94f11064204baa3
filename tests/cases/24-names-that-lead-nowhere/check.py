"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

for what, line in (("incident type", "{name: a, kind: http_probe, url: 'http://127.0.0.1:9/', service: x, incident_type: system_crsh}"),
                   ("no scheme", "{name: a, kind: http_probe, url: 'shop.example/health', service: x}"),
                   ("htps", "{name: a, kind: http_probe, url: 'htps://127.0.0.1/health', service: x}"),
                   ("port 99999", "{name: a, kind: http_probe, url: 'http://127.0.0.1:99999/', service: x}"),
                   ("no host", "{name: a, kind: http_probe, url: 'http:///health', service: x}"),
                   ("unexpanded variable", "{name: a, kind: http_probe, url: '$SHOP/health', service: x}")):
    config(CHECK=line)
    done = muster("check", "--json", "--config", "muster.yaml")
    want(done.returncode == 2 and "checks" in done.stderr and not done.stdout.strip(), f"{what}: refused with the place (was: exit {done.returncode})")
database(); config("states.yaml")
result = check()["states"]
want(result["error"] is None, f"transitions {{cancelled: []}}: runs (was: {result['error']})")
end()
