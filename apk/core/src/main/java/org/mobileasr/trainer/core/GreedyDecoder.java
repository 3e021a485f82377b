package org.mobileasr.trainer.core;

import java.util.ArrayList;
import java.util.List;

/** From logits to text: the best output of each frame, repeats joined, blanks left out. */
public final class GreedyDecoder {
  private GreedyDecoder() {}

  /**
   * Decodes one utterance.
   *
   * @param logits {@code [frame][output]}; of equal outputs the first wins
   * @param targets what the outputs mean
   */
  public static String decode(float[][] logits, Targets targets) {
    List<Integer> heard = new ArrayList<Integer>();
    int before = -1;
    for (float[] frame : logits) {
      if (frame.length != targets.outputs()) {
        throw new IllegalArgumentException(
            frame.length + " outputs do not fit " + (targets.outputs() - 1) + " "
                + targets.kind() + " and a blank");
      }
      int best = best(frame);
      if (best != before && best != targets.blank) {
        heard.add(best);
      }
      before = best;
    }
    return targets.text(heard);
  }

  /** The best output of a frame: of equal ones the first; the first that is no number, if any is. */
  static int best(float[] frame) {
    int best = 0;
    for (int n = 1; n < frame.length; n++) {
      if (frame[n] > frame[best] || (Float.isNaN(frame[n]) && !Float.isNaN(frame[best]))) {
        best = n;
      }
    }
    return best;
  }
}
