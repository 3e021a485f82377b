package org.mobileasr.trainer.core;

/** From logits to text: the best output of each frame, repeats joined, blanks left out. */
public final class GreedyDecoder {
  private GreedyDecoder() {}

  /**
   * Decodes one utterance.
   *
   * @param logits {@code [frame][output]}; of equal outputs the first wins
   * @param alphabet characters in the order of the outputs, the blank left out
   * @param blank index of the blank's output
   */
  public static String decode(float[][] logits, String alphabet, int blank) {
    StringBuilder text = new StringBuilder();
    int before = -1;
    for (float[] frame : logits) {
      if (frame.length != alphabet.length() + 1) {
        throw new IllegalArgumentException(
            frame.length + " outputs do not fit " + alphabet.length() + " characters and a blank");
      }
      int best = best(frame);
      if (best != before && best != blank) {
        text.append(alphabet.charAt(best > blank ? best - 1 : best));
      }
      before = best;
    }
    return text.toString();
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
