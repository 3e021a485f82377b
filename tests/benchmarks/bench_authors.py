"""Runs the public outputs of an early-exit model's authors through our scorer and our rules.

    git clone --branch lstm https://github.com/augustgw/early-exit-transformer
    script/bench authors early-exit-transformer

They lie there for every utterance of LibriSpeech's dev and test sets and each of six exits. They
carry no licence: they are read beside, nothing of them is kept here. Exit code 1 where our WER
differs from theirs in a printed digit.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.contract.exits import Answer
from harness.metrics.exits import ORACLES, Heard, Outcome, agreed_at, outcome

SETS = ("dev-clean", "dev-other", "test-clean", "test-other")
LAYERS = (2, 4, 6, 8, 10, 12)


def _fixed(at: int) -> Callable[[Heard], int]:
    return lambda _: at


WAYS: dict[str, Callable[[Heard], int]] = {
    **{f"layer {layer}": _fixed(at) for at, layer in enumerate(LAYERS)},
    "two exits agree": lambda one: agreed_at(one.texts),
    "three exits agree": lambda one: agreed_at(one.texts, 3),
    **{f"oracle, {what}": choose for what, choose in ORACLES.items()},
}


@dataclass(frozen=True)
class Came:
    """What one way of leaving comes to."""

    wer_percent: float
    mean_layer: float
    share_percent: tuple[float, ...]

    @classmethod
    def of(cls, found: Outcome) -> Came:
        """Return an outcome in the units of the table."""
        return cls(found.errors.wer_percent, found.depth, found.share_percent)


def read(folder: Path, name: str) -> tuple[Heard, ...]:
    """Return what each exit heard in a set.

    Raises:
        SystemExit: A file is missing, or two have not as many lines.
    """
    files = [folder.parent / f"{name}_expected.txt"]
    files += [folder / name / f"layer{layer}.txt" for layer in LAYERS]
    try:
        texts = [path.read_text(encoding="utf-8").removesuffix("\n").split("\n") for path in files]
    except OSError as error:
        raise SystemExit(f"{error}; is it the branch lstm?") from error
    if len({len(lines) for lines in texts}) > 1:
        raise SystemExit(f"{name}: the files have not as many lines each")
    return tuple(
        Heard(
            f"{name}/{number}",
            reference.strip(),
            tuple(
                Answer(exit=f"exit{place}", text=text.strip(), seconds=0)
                for place, text in enumerate(heard, 1)
            ),
        )
        for number, (reference, *heard) in enumerate(zip(*texts, strict=True))
        if reference.strip()
    )


def theirs(folder: Path) -> Mapping[str, tuple[float, ...]]:
    """Return the WER that the authors print, as a share, by set and exit."""
    text = (folder / "wer_results.txt").read_text(encoding="utf-8")
    printed: dict[str, list[float]] = {}
    name = ""
    for line in text.splitlines():
        if line.strip() in SETS:
            name = line.strip()
        elif match := re.fullmatch(r"layer\d+: ([0-9.]+)", line.strip()):
            printed.setdefault(name, []).append(float(match[1]))
    return {name: tuple(shares) for name, shares in printed.items()}


def main() -> None:
    """Print a table a set, or all as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", type=Path, help="a clone of it, branch lstm")
    parser.add_argument("--model", default="bi-lstm_298_301", help="folder of model_results")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    folder = args.repository / "model_results" / args.model
    printed = theirs(folder)
    found: dict[str, dict[str, Came]] = {}
    differs = 0
    for name in SETS:
        heard = read(folder, name)
        found[name] = {
            what: Came.of(outcome(heard, LAYERS, choose)) for what, choose in WAYS.items()
        }
        own = [found[name][f"layer {layer}"].wer_percent / 100 for layer in LAYERS]
        differs += sum(
            abs(ours - wer) > 1e-12 for ours, wer in zip(own, printed[name], strict=True)
        )
        if not args.json:
            print(f"{name}: {len(heard)} utterances")
            for what, came in found[name].items():
                shares = " ".join(f"{share:5.1f}" for share in came.share_percent)
                print(
                    f"  {what:<36}{came.wer_percent:7.2f} %  layer {came.mean_layer:5.2f}  {shares}"
                )
    if args.json:
        print(
            json.dumps(
                {name: {k: asdict(c) for k, c in own.items()} for name, own in found.items()}
            )
        )
    print(
        f"{differs} of {len(SETS) * len(LAYERS)} WERs differ from the printed ones", file=sys.stderr
    )
    raise SystemExit(int(differs > 0))


if __name__ == "__main__":
    main()
