"""`remedyd run`: the daemon in the foreground, until SIGTERM."""

import os
import re
import signal
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from remedyd import doorstep, lean
from remedyd.cli.configured import Config
from remedyd.errors import ConfigurationError, InvalidInput, Problem, RemedydError

if TYPE_CHECKING:
    from remedyd.settings import Settings

_TURN_SECONDS: Final = 0.001
_PREFIX: Final = "REMEDYD_"
_NOT_SETTINGS: Final = ("CONFIG", "URL", "TOKEN", "TOKEN_FILE")
_SERVICE_LINK: Final = re.compile(r"(^|_)(SERVICE_HOST|SERVICE_PORT\w*|PORT|PORT_\w+)$")
"""What Kubernetes puts into a pod's environment for every Service, `remedyd` among them."""


def misspelt(environment: Iterable[str], known: Iterable[str]) -> list[Problem]:
    """Return the variables that look like a setting and are none.

    Without this `REMEDYD_DRYRUN=true` would be ignored, and the daemon would write. Names that
    resemble no setting are left alone: the environment is not ours.
    """
    names = [*(name.upper() for name in known), *_NOT_SETTINGS]
    found = []
    for variable in sorted(environment):
        name = variable.removeprefix(_PREFIX)
        if name == variable or name in names or "__" in name or _SERVICE_LINK.search(name):
            continue
        if near := get_close_matches(name, names, 1, 0.75):
            message = f"no such setting (did you mean {_PREFIX}{near[0]}?)"
            found.append(Problem(f"{variable}: {message}", "environment"))
    return found


def run(
    config: Config = None,
) -> None:
    """Run the daemon: audits on schedule, the gate on HTTP."""
    with lean.imports():
        from remedyd import settings
        from remedyd.observability import concealing, logs

    style = ""
    try:
        loaded = _settings(config)
        style = loaded.log_format
        logs.configure(loaded.log_level, style, secrets=concealing.held(loaded))
        _serve(loaded)
    except RemedydError as error:
        if not style:  # how to tell is one of the settings
            style = settings.log_format(config)
            logs.configure(style=style)
        if style == "ecs":
            logs.get(__name__).error(_in_one(error), hint=error.hint)
        raise


def _settings(config: Config) -> "Settings":
    from remedyd import settings

    loaded = settings.load(config)
    if problems := misspelt(os.environ, type(loaded).model_fields):
        raise ConfigurationError("the settings are not valid", problems)
    return loaded


def _in_one(error: RemedydError) -> str:
    """Return all that is wrong, for one record: a terminal gets a line for each."""
    problems = "; ".join(map(str, error.problems)) if isinstance(error, InvalidInput) else ""
    return f"{error.message}: {problems}" if problems else error.message


def _serve(loaded: "Settings") -> None:
    with lean.imports():
        from remedyd.app import App
        from remedyd.cli.facing import facing
        from remedyd.server.callers import authenticator
        from remedyd.server.serving import Server

    # uvicorn raises the signal again once it has stopped: end as a normal exit, not by the signal
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    door = doorstep.opened(loaded.server.host, loaded.server.port)
    app = App(loaded)
    known = authenticator(loaded.server, app.clock, app.reviewer, follow=app.credentials.follow)
    service = app.start({"tokens": known.reload})
    try:
        application, context = facing(loaded, app, known, service)
        # whoever comes back from the network or the disk waits a millisecond for the interpreter,
        # not five, while another thread counts
        sys.setswitchinterval(_TURN_SECONDS)
        server = Server(application, context, loaded.server)
        server.run(sockets=door.hand_over() if door else None)
    finally:
        app.stop()
