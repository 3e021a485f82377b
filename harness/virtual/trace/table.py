"""The cost model: what an epoch of a sub-model costs and brings, measured before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from harness.contract.network import SubModelName
from harness.errors import InputError
from harness.yamlio import load_yaml, validate

DEFAULT_TABLE = "ds2-mini"
_FOLDER = Path(__file__).parent / "tables"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SubModelCost(_Part):
    """One sub-model. Seconds are of one utterance."""

    train_utterance_s: float = Field(gt=0)
    spread: float = Field(ge=0, lt=1)
    """Standard deviation of a step's seconds, as a share of their mean."""
    train_loss: tuple[float, ...] = Field(min_length=1)
    """Mean of each epoch, from the first."""
    wer_percent: tuple[float, ...] = Field(min_length=2)
    """From epoch 0, before training; after the last one it stays."""
    peak_rss_mb: float = Field(gt=0)


class Table(_Part):
    """What a trace replays."""

    name: str
    measured: str
    """Where the figures are from: model, data, machine, date, command."""
    load_s: float = Field(ge=0)
    preprocess_utterance_s: float = Field(ge=0)
    evaluate_utterance_s: float = Field(ge=0)
    base_mb: float = Field(gt=0)
    """What the trainer holds for itself before it has loaded a model."""
    sub_models: dict[SubModelName, SubModelCost] = Field(min_length=1)
    """From the largest to the smallest."""

    def cost(self, sub_model: str | None, order: Sequence[str]) -> SubModelCost:
        """Return the costs of a sub-model; without figures of it, of the next that trains more.

        Args:
            sub_model: None = nothing is trained.
            order: Sub-models of its network from the largest to the smallest. If none of the larger
                ones has figures, those of the table's largest count.
        """
        larger = order[: order.index(sub_model) + 1] if sub_model in order else (sub_model,)
        measured = [self.sub_models[name] for name in larger if name in self.sub_models]
        return measured[-1] if measured else next(iter(self.sub_models.values()))


def load_table(model: str) -> Table:
    """Return the table of a model; one that has none gets that of the default model.

    Raises:
        InputError: The file is broken.
    """
    path = _FOLDER / f"{model}.yaml"
    if not path.is_file():
        path = _FOLDER / f"{DEFAULT_TABLE}.yaml"
    return read_table(path)


def read_table(path: Path) -> Table:
    """Read a table from its file.

    Raises:
        InputError: It can't be used.
    """
    data, index = load_yaml(path)
    table = validate(Table, data, index)
    if table.name != path.stem:
        raise InputError(f"its name is {table.name!r}", where=str(path))
    return table
