package org.mobileasr.trainer.core;

/** The segments of a network with exits, for one batch: each is run when it is asked for. */
interface Segments {
  /** Runs the next segment. */
  Run next() throws BadInputException;

  /** What a segment gave for a batch. */
  final class Run {
    /** {@code [row][frame][output]}, of each real row. */
    final float[][][] logits;

    final double seconds;

    Run(float[][][] logits, double seconds) {
      this.logits = logits;
      this.seconds = seconds;
    }
  }
}
