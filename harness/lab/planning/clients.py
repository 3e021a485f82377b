"""Who takes part in federated training, found out from the corpus before a phone is looked for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import ValidationError

from harness.errors import InputError
from harness.lab.planning.materials import Materials
from harness.scenario.client_jobs import Client, start_job
from harness.scenario.federated import Clients, Part
from harness.scenario.schema import Data, JobContent
from harness.scenario.spec import JobSpec


def with_start_jobs(specs: Sequence[JobSpec], materials: Materials) -> list[JobSpec]:
    """Put the evaluation of the start by every client in place of each federated template.

    Args:
        specs: Jobs as the matrix makes them.
        materials: Models and recordings.

    Raises:
        InputError: The clients cannot be made, or there are too few of them.
    """
    if all(spec.content.federated is None for spec in specs):
        return list(specs)
    jobs: list[JobSpec] = []
    for spec in specs:
        if spec.content.federated is None:
            jobs.append(spec)
            continue
        clients = clients_of(spec.content, materials)
        _check_enough(spec.content, len(clients), spec.rounds)
        jobs += [start_job(spec, client) for client in clients]
    return [job.model_copy(update={"index": index}) for index, job in enumerate(jobs)]


def clients_of(content: JobContent, materials: Materials) -> list[Client]:
    """Return the clients of a federated training, by name.

    Raises:
        InputError: A speaker is not there.
    """
    assert content.federated is not None, "asked of federated jobs only"
    asked, data = content.federated.clients, content.data
    accents = materials.accents(data)
    unknown = [speaker for speaker in asked.speakers if speaker not in accents]
    if unknown:
        raise InputError(
            f"unknown speaker {unknown[0]!r}",
            where="federated.clients.speakers",
            hint=f"Speakers: {', '.join(list(accents)[:12])}.",
        )
    speakers = tuple(dict.fromkeys(asked.speakers)) or tuple(accents)
    if asked.by == "speaker":
        for name in speakers:
            _check_name(name)
        return [Client(name=name, data=_own(data, name)) for name in speakers]
    if asked.by == "accent":
        groups: dict[str, list[str]] = {}
        for speaker in speakers:
            groups.setdefault(_word(accents[speaker]), []).append(speaker)
        return [
            _shared(data, f"accent-{accent}", Part(speakers=tuple(group)))
            for accent, group in groups.items()
        ]
    return _dealt(asked, data, speakers)


def _word(accent: str) -> str:
    """Return an accent as part of a name: spelt with other letters it is the same accent."""
    return re.sub(r"[^a-z0-9._-]+", "-", accent.lower()).strip("-")[:50] or "none"


def _check_name(speaker: str) -> None:
    """Check that a speaker of a manifest can be the speaker of a job (`Data.speaker`)."""
    try:
        Data(speaker=speaker)
    except ValidationError as error:
        raise InputError(
            f"the speaker {speaker!r} cannot be a client: names have lower-case letters, digits, "
            "dot, dash and underscore",
            where="federated.clients",
            hint="Change the name in the manifest, or take clients: {by: iid, count: ...}.",
        ) from error


def _own(data: Data, speaker: str) -> Data:
    return data.model_copy(update={"speaker": speaker})


def _shared(data: Data, name: str, part: Part) -> Client:
    return Client(name=name, data=data.model_copy(update={"speaker": name, "part": part}))


def _dealt(asked: Clients, data: Data, speakers: tuple[str, ...]) -> list[Client]:
    count = asked.count or 1
    digits = len(str(count))
    return [
        _shared(
            data,
            f"client-{number:0{digits}d}",
            Part(
                speakers=speakers,
                by="iid" if asked.by == "iid" else "dirichlet",
                of=count,
                number=number,
                alpha=asked.alpha,
                seed=asked.seed,
            ),
        )
        for number in range(1, count + 1)
    ]


def _check_enough(content: JobContent, clients: int, rounds: int) -> None:
    federated = content.federated
    assert federated is not None, "asked of federated jobs only"
    asked = federated.asked(clients)
    if asked > clients:
        raise InputError(
            f"{asked} clients a round are asked for, there are {clients}",
            where="federated.clients_per_round",
        )
    if federated.min_answers is not None and federated.min_answers > asked:
        raise InputError(
            f"{federated.min_answers} answers are needed of {asked} clients a round",
            where="federated.min_answers",
        )
    if content.phones.each:
        raise InputError(
            "each: true runs a job on every phone; a client's job runs on one",
            where="federated.clients",
            hint="Leave out phones.each.",
        )
    if rounds > 1:
        raise InputError(
            "rounds cut a speaker's speech for personalisation; with `federated:` there is one",
            where="federated.rounds",
            hint="Leave out the scenario's own rounds; those of training are federated.rounds.",
        )
