package org.mobileasr.trainer.core;

import java.util.List;

/** The segments of a network with exits, for one batch: each is run when it is asked for. */
interface Segments {
  /** Runs the next segment. */
  Run next() throws BadInputException;

  /** What a segment gave for a batch. */
  final class Run {
    /** {@code [row][frame][output]}, of each real row. */
    final float[][][] logits;

    final double seconds;

    /** What the exit's attention decoder writes of each real row; null: its head writes. */
    final List<String> written;

    /** Of the decoder, for all rows together. */
    final double writingSeconds;

    Run(float[][][] logits, double seconds, List<String> written, double writingSeconds) {
      this.logits = logits;
      this.seconds = seconds;
      this.written = written;
      this.writingSeconds = writingSeconds;
    }
  }
}
