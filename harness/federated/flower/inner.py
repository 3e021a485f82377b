"""All that touches inner parts of Flower, so that a new version breaks one small file.

Tried with 1.30 and 1.42; test it against each new minor version.
"""

from __future__ import annotations

import logging
from typing import Any

SERVER_NODE = 1


def identify(run_id: int) -> None:
    """Say who makes messages in this process; from 1.39 on `Message(...)` raises without it."""
    try:
        from flwr.supercore.task_identity import TaskIdentity
    except ImportError:
        return
    TaskIdentity.run_id = run_id
    TaskIdentity.node_id = SERVER_NODE
    TaskIdentity.task_id = 0


def address(message: Any, message_id: str, run_id: int) -> None:
    """Give a message its id (and, before 1.39, its run), as Flower's own grids do."""
    inner = message.metadata.__dict__
    inner["_message_id"] = message_id
    inner["_run_id"] = run_id
    inner["_src_node_id"] = SERVER_NODE


def run_record(run_id: int) -> Any:
    """Return an empty record of a run, from where this version keeps the class."""
    try:
        from flwr.supercore.run import Run
    except ImportError:
        from flwr.common.typing import Run
    return Run.create_empty(run_id)


def context(run_id: int, run_config: dict[str, Any]) -> Any:
    """Return the Context of a ServerApp."""
    from flwr.app import Context, RecordDict

    return Context(
        run_id=run_id,
        node_id=SERVER_NODE,
        node_config={},
        state=RecordDict(),
        run_config=run_config,
    )


def log_with_us() -> None:
    """Let Flower log as the harness does, not through a handler of its own."""
    import flwr  # noqa: F401 - makes its handler

    logger = logging.getLogger("flwr")
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.WARNING)
