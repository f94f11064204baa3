"""Secret by reference: `${env:SHOP_TOKEN}` and `${file:/run/secrets/shop}` in muster.yaml.

They stand wherever a secret would: a header, an address with its password, a routing key. They are
put in when the file is read, and what is put in is never echoed: not by a mistake in the settings,
not by their `repr`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

_REFERENCE = re.compile(r"\$\{(env|file):([^}]*)\}")
_TEMPLATES = (("shop", "looks"), ("shop", "actions"))  # texts there are templates of the plan
_DATABASES = (("database", "url"), ("shop", "database_url"))
_MASK = "•••"


@dataclass
class Resolved:
    """The data with its secrets, what could not be found, and what must not be shown."""

    data: Any
    problems: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set, repr=False)

    def masked(self, sentence: str) -> str:
        """The sentence without any of the secrets, the longest first."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            sentence = sentence.replace(secret, _MASK)
        return sentence


def resolve(data: Any, environ: Mapping[str, str]) -> Resolved:
    """Puts the secrets in. `problems`: one sentence each, with the key and the remedy."""
    made = Resolved(None)
    made.data = _walk(data, (), environ, made)
    return made


def _walk(value: Any, at: tuple[str, ...], environ: Mapping[str, str], made: Resolved) -> Any:
    if isinstance(value, dict):
        return {key: _walk(item, (*at, str(key)), environ, made) for key, item in value.items()}
    if isinstance(value, list):
        return [
            _walk(item, (*at[:-1], f"{at[-1] if at else ''}[{place}]"), environ, made)
            for place, item in enumerate(value, 1)
        ]
    if not isinstance(value, str) or "${" not in value:
        return value

    def put(found: re.Match[str]) -> str:
        kind, name = found.groups()
        secret = _from_env(name, environ) if kind == "env" else _from_file(name)
        if isinstance(secret, _Lacks):
            made.problems.append(f"{'.'.join(at)}: {secret.sentence}")
            return ""
        made.secrets.add(secret)
        if at in _DATABASES and found.group() != value:
            made.secrets.add(quote(secret, safe=""))
            return quote(secret, safe="")  # a part of an address: “p@ss” is no user and host
        return _literal(secret) if at[:2] in _TEMPLATES else secret

    return _REFERENCE.sub(put, value)


@dataclass(frozen=True)
class _Lacks:
    sentence: str


def _from_env(name: str, environ: Mapping[str, str]) -> str | _Lacks:
    if name not in environ:
        return _Lacks(f"the environment has no {name}; set it.")
    return _cut(environ[name]) or _Lacks(f"{name} is empty in the environment; set it.")


def _from_file(name: str) -> str | _Lacks:
    try:
        text = Path(name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return _Lacks(f"{name} is no text; write the secret into it as UTF-8.")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        return _Lacks(f"{name} cannot be read ({why}); put the secret there.")
    return _cut(text) or _Lacks(f"{name} is empty; write the secret into it.")


def _cut(text: str) -> str:
    """Without the line break that editors and `echo` leave at the end."""
    return text.rstrip("\r\n")


def _literal(secret: str) -> str:
    """A secret is no template, whatever it looks like."""
    return f"{{% raw %}}{secret}{{% endraw %}}" if "{" in secret else secret
