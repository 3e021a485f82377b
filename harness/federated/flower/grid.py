"""A Flower Grid whose nodes are the clients of a federation.

Nodes are numbered by the clients' names, and all of them are always there: which phone a client's
job gets, and when, is the scheduler's matter, so that the same seed asks the same clients whatever
phones do.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from flwr.app import ConfigRecord, Error, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid

from harness.errors import HarnessError, InputError
from harness.federated.arrived import Answer
from harness.federated.clients import Federation
from harness.federated.flower import inner
from harness.federated.flower.arrays import record_of
from harness.federated.flower.turns import Asked, Role, Turn, Turns
from harness.federated.late import close_round
from harness.federated.rounds import RoundFailedError
from harness.lab.feed import TaskFeed
from harness.lab.scheduling.agenda import Outcome
from harness.results.federated import ModelRecord
from harness.results.model import AttemptResult
from harness.results.store import AttemptFolder
from harness.results.tasks import TaskFolder

PATIENCE_S: Final = 5.0
"""How long a strategy may ask again and again for more nodes: no more than there are ever come."""
CODES: Final[Mapping[str, int]] = {
    "DeviceLost": 5,  # NODE_UNAVAILABLE
    "GateTimedOut": 5,
    "NoAnswer": 5,
    "ProvisionFailed": 3,  # MESSAGE_UNAVAILABLE: what was sent did not arrive
    "PressureUnreachable": 6,  # MOD_FAILED_PRECONDITION
    "TrainerCrashed": 2,  # CLIENT_APP_RAISED_EXCEPTION
    "TrainerStalled": 2,
    "TrainerEnded": 2,
    "ScoreMismatch": 2,
    "TrainerKilled": 8,  # CLIENT_APP_CRASHED: by lmkd
    "NothingSent": 4,  # REPLY_MESSAGE_UNAVAILABLE
}
"""Kind of failure -> Flower's ErrorCode; 0 for all others."""


class TooFewClientsError(HarnessError):
    """The strategy waits for more clients than there are."""


class PhoneGrid(Grid):  # type: ignore[misc]
    """Carries messages to clients as jobs, and what comes of the jobs back as messages.

    Args:
        federation: Whose clients.
        feed: Takes the jobs.
        turns: Makes them.
        seed: Of `random` and `numpy.random`, which are seeded anew in each turn.
        run_id: Any number; messages carry it.
    """

    def __init__(
        self, federation: Federation, feed: TaskFeed, turns: Turns, seed: int, run_id: int = 1
    ) -> None:
        self._federation = federation
        self._feed = feed
        self._turns = turns
        self._seed = seed
        self._clients = dict(enumerate(federation.starts, 1))
        self._turn = 0
        self._polls: list[float] = []
        self._sent: dict[str, tuple[Message, Turn]] = {}
        self.set_run(run_id)
        self._sow()

    # -- who is there -----------------------------------------------------------------------------

    def get_node_ids(self) -> Iterable[int]:
        """Return all clients.

        Raises:
            TooFewClientsError: They are asked for again and again: they are too few.
        """
        now = time.monotonic()
        if self._polls and now - self._polls[0] > PATIENCE_S and len(self._polls) > 3:
            raise TooFewClientsError(
                f"the strategy waits for more than the {len(self._clients)} clients that there are "
                "(min_available_nodes, min_train_nodes and min_evaluate_nodes are 2 in most)"
            )
        self._polls.append(now)
        self._sow()  # before each draw: other threads of the harness may draw too
        return list(self._clients)

    def _sow(self) -> None:
        random.seed(f"{self._seed}:{self._turn}")
        np.random.seed((self._seed * 1_000_003 + self._turn) % 2**32)

    # -- messages ---------------------------------------------------------------------------------

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> Iterable[Message]:
        """Run a turn to its end, and return an answer or an error for each message, by node.

        Raises:
            RoundFailedError: Too few answers came in time.
            InputError: A message cannot be carried.
        """
        there = list(messages)
        if not there:
            return []
        turn = self._begin(there, timeout)
        outcome = self._feed.outcomes([turn.answers])[turn.answers]
        close_round(self._feed, turn.round, turn.jobs.values())
        if outcome.state != "finished":
            raise RoundFailedError(f"round {turn.round}: {outcome.reason}")
        result = TaskFolder(self._feed.folder.path, turn.answers).result()
        counted = ModelRecord.model_validate(result.value).counted
        settled = self._settled(turn)
        replies = []
        for message in sorted(there, key=lambda message: message.metadata.dst_node_id):
            client = self._client(message)
            job = turn.jobs[client]
            came = settled.get(job.job_id)
            if came is not None and came.state == "finished" and job.job_id not in counted:
                came = None  # it finished, but after its time
            replies.append(self._reply(message, turn, client, came))
        self._sow()
        return replies

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Begin a turn, and return the messages' ids."""
        there = list(messages)
        if not there:
            return []
        turn = self._begin(there, None)
        for message in there:
            self._sent[message.metadata.message_id] = (message, turn)
        return [message.metadata.message_id for message in there]

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Return the answers that have come, each once."""
        replies = []
        for message_id in message_ids:
            if message_id not in self._sent:
                continue
            message, turn = self._sent[message_id]
            client = self._client(message)
            outcome = self._settled(turn).get(turn.jobs[client].job_id)
            if outcome is not None:
                del self._sent[message_id]
                replies.append(self._reply(message, turn, client, outcome))
        return replies

    def close(self) -> None:
        """Withdraw what was pushed and never pulled: the server has ended."""
        for turn in {turn.answers: turn for _, turn in self._sent.values()}.values():
            close_round(self._feed, turn.round, turn.jobs.values())
        self._sent.clear()

    def _begin(self, messages: Sequence[Message], timeout: float | None) -> Turn:
        self._turn += 1
        self._polls.clear()
        roles = {_role(message) for message in messages}
        if len(roles) > 1:
            raise InputError("a server sends messages of several types in one breath")
        asked = []
        for message in messages:
            node = message.metadata.dst_node_id
            inner.address(message, f"{self._turn}-{node}", self._run_id)
            arrays = next(iter(message.content.array_records.values()), None)
            if arrays is None:
                raise InputError("a message of the server holds no model")
            config = next(iter(message.content.config_records.values()), ConfigRecord())
            asked.append(Asked(self._client(message), arrays, dict(config.items())))
        limit_s = self._federation.settings.round_limit_s
        after_s = limit_s if timeout is None else min(timeout, limit_s)
        return self._turns.begin(roles.pop(), asked, after_s)

    def _client(self, message: Message) -> str:
        node = message.metadata.dst_node_id
        if node not in self._clients:
            raise InputError(f"the server sends to node {node}, which is no client")
        return self._clients[node]

    def _settled(self, turn: Turn) -> dict[str, Outcome]:
        return self._feed.outcomes([job.job_id for job in turn.jobs.values()], 0.0)

    # -- answers ----------------------------------------------------------------------------------

    def _reply(self, message: Message, turn: Turn, client: str, came: Outcome | None) -> Message:
        if came is None or came.state == "withdrawn":
            return _error(message, "NoAnswer", f"{client} has not answered in time")
        if came.attempt is None:
            kind, _, words = came.reason.partition(": ")
            return _error(message, kind, words)
        folder = self._feed.folder.attempt(turn.jobs[client].job_id, came.attempt)
        result = folder.result()
        if turn.role == "evaluate":
            return Message(RecordDict({"metrics": _heard(result)}), reply_to=message)
        if result.update is None:
            return _error(
                message, "NothingSent", f"no epoch was trained (ended by {result.stop_reason})"
            )
        return Message(self._trained(message, turn, client, folder, result), reply_to=message)

    def _trained(
        self,
        message: Message,
        turn: Turn,
        client: str,
        folder: AttemptFolder,
        result: AttemptResult,
    ) -> RecordDict:
        key = next(iter(message.content.array_records))
        content = RecordDict()
        assert result.update is not None, "asked of clients that sent something"
        sent = turn.sent.get(client)
        answer = Answer(
            client,
            folder.update_path,
            result.update.utterances,
            result.update.form,
            None if sent is None else TaskFolder(self._feed.folder.path, sent).checkpoint_path,
        )
        content[key] = record_of(turn.models[client], answer)
        content["metrics"] = _learnt(result)
        return content

    # -- the rest of the interface ----------------------------------------------------------------

    def set_run(self, run: Any) -> None:
        """Take a `Run`, or the number of one."""
        self._run_id = int(getattr(run, "run_id", run))
        inner.identify(self._run_id)

    @property
    def run(self) -> Any:
        """Return what Flower wants to know of a run."""
        return inner.run_record(self._run_id)

    def create_message(
        self,
        content: RecordDict,
        message_type: str,
        dst_node_id: int,
        group_id: str,
        ttl: float | None = None,
    ) -> Message:
        """Make a message, as older apps ask for it."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)


def _role(message: Message) -> Role:
    kind = message.metadata.message_type.partition(".")[0]
    if kind == "train":
        return "train"
    if kind == "evaluate":
        return "evaluate"
    raise InputError(
        f"the server sends a message of type {message.metadata.message_type!r}",
        hint="Phones train and evaluate; they run no ClientApp.",
    )


def _error(message: Message, kind: str, words: str) -> Message:
    return Message(Error(CODES.get(kind, 0), f"{kind}: {words}"), reply_to=message)


def _learnt(result: AttemptResult) -> MetricRecord:
    """Return what every training client tells; all of them the same keys, as Flower demands."""
    assert result.update is not None, "asked of clients that sent something"
    last = result.epochs[-1]
    return MetricRecord(
        {
            "num-examples": result.update.utterances,
            "train_loss": float(last.train_loss or 0.0),
            "wer_before_percent": float(result.epochs[0].wer_percent),
            "wer_after_percent": float(last.wer_percent),
        }
    )


def _heard(result: AttemptResult) -> MetricRecord:
    """Return what an evaluating client tells; weighted by words, the mean is that of all words."""
    start = result.epochs[0]
    return MetricRecord(
        {"num-examples": max(1, start.reference_words), "wer_percent": float(start.wer_percent)}
    )
