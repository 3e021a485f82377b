package org.mobileasr.trainer.core;

import java.util.ArrayList;
import java.util.List;

/** Greedy writing with an attention decoder, a label at a time. */
final class GreedyWriter {
  /** One step of a decoder, which keeps what it needs of earlier labels. */
  interface Step {
    /**
     * Returns log probabilities {@code [row][output]} of what comes next.
     *
     * @param token the last label of each row
     * @param position where in the text it stands, from 0
     */
    float[][] next(int[] token, int position);
  }

  private GreedyWriter() {}

  /**
   * Returns the labels of each text: the likeliest, one after another; of equal ones the first.
   *
   * @param rows texts that are written side by side, the first rows of a batch
   * @param batchSize rows that a step takes
   * @param end output that begins a text and ends it
   * @param most labels of the longest text
   */
  static List<List<Integer>> write(Step step, int rows, int batchSize, int end, int most) {
    List<List<Integer>> written = new ArrayList<List<Integer>>();
    int[] token = new int[batchSize];
    boolean[] going = new boolean[batchSize];
    for (int row = 0; row < batchSize; row++) {
      token[row] = end;
      going[row] = row < rows;
      if (row < rows) {
        written.add(new ArrayList<Integer>());
      }
    }
    int left = rows;
    for (int position = 0; position < most && left > 0; position++) {
      float[][] next = step.next(token, position);
      for (int row = 0; row < batchSize; row++) {
        token[row] = GreedyDecoder.best(next[row]);
        if (!going[row]) {
          continue;
        }
        if (token[row] == end) {
          going[row] = false;
          left--;
        } else {
          written.get(row).add(token[row]);
        }
      }
    }
    return written;
  }
}
