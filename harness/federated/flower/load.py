"""Somebody's strategy or ServerApp, found and made; what is wrong with it is told before a run."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flwr.serverapp import strategy as strategies

from harness.errors import HarnessError, InputError
from harness.federated.flower import inner
from harness.federated.flower.privacy import check_clipping
from harness.scenario.federated import Federated, Strategy

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def made_strategy(settings: Strategy, folder: Path) -> Any:
    """Make a strategy of Flower's, or the one that a function returns.

    Args:
        settings: Which.
        folder: Relative paths start here.

    Raises:
        InputError: There is none, or its arguments are wrong.
    """
    inner.log_with_us()
    if settings.flower is not None:
        make = getattr(strategies, settings.flower, None)
        if not (inspect.isclass(make) and issubclass(make, strategies.Strategy)):
            known = ", ".join(name for name in strategies.__all__ if name.startswith("Fed"))
            raise InputError(
                f"Flower has no strategy {settings.flower!r}", hint=f"It has {known} and others."
            )
    else:
        make = _function(str(settings.path), folder)
    made = _tried(lambda: make(**settings.arguments), settings.label)
    if not isinstance(made, strategies.Strategy):
        raise InputError(f"{settings.label} makes a {type(made).__name__}, no Flower strategy")
    check_clipping(made)
    return made


def loaded_app(folder: Path) -> tuple[Any, dict[str, Any]]:
    """Return the ServerApp of an app's folder, and the configuration that it is run with.

    Raises:
        InputError: It is no app, or something that it imports is not installed.
    """
    inner.log_with_us()
    file = folder / "pyproject.toml"
    try:
        app = tomllib.loads(file.read_text(encoding="utf-8"))["tool"]["flwr"]["app"]
        module, _, name = app["components"]["serverapp"].partition(":")
        config = dict(app.get("config", {}))
    except OSError as error:
        raise InputError(f"no Flower app: {error.strerror}", where=str(file)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"no Flower app: {error}",
            where=str(file),
            hint="It says [tool.flwr.app.components] serverapp = 'package.module:app'.",
        ) from error
    sys.path.insert(0, str(folder))
    return _tried(lambda: getattr(importlib.import_module(module), name), str(folder)), config


def _function(where: str, folder: Path) -> Callable[..., Any]:
    name, _, function = where.rpartition(":")
    path = (folder / name).resolve()
    if not path.is_file():
        raise InputError("no such file", where=str(path))
    spec = importlib.util.spec_from_file_location(f"federated_strategy_{path.stem}", path)
    assert spec is not None, "a .py file always has one"
    assert spec.loader is not None, "a .py file always has one"
    module = importlib.util.module_from_spec(spec)
    _tried(lambda: spec.loader.exec_module(module), str(path))  # type: ignore[union-attr]
    found = getattr(module, function, None)
    if not callable(found):
        raise InputError(f"there is no function {function}", where=str(path))
    make: Callable[..., Any] = found
    return make


def _tried(make: Callable[[], Any], what: str) -> Any:
    try:
        return make()
    except HarnessError:
        raise
    except ModuleNotFoundError as error:
        raise InputError(
            f"{what} needs {error.name}, which is not installed",
            hint="Install it into the harness's environment.",
        ) from error
    except Exception as error:
        raise InputError(f"{what}: {type(error).__name__}: {error}") from error


def check(settings: Federated, folder: Path) -> None:
    """Check that the server of a federated training can be made.

    Raises:
        InputError: It cannot.
    """
    if settings.strategy.app is not None:
        loaded_app((folder / settings.strategy.app).resolve())
    else:
        made_strategy(settings.strategy, folder)
