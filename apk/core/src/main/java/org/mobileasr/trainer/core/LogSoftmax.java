package org.mobileasr.trainer.core;

/** Log probabilities of a frame, in double precision. */
final class LogSoftmax {
  private LogSoftmax() {}

  static double[] of(float[] logits) {
    double most = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      most = Math.max(most, logit); // no number if one of them is none
    }
    double sum = 0;
    double[] shifted = new double[logits.length];
    for (int n = 0; n < logits.length; n++) {
      shifted[n] = logits[n] - most;
      sum += Math.exp(shifted[n]);
    }
    double log = Math.log(sum);
    for (int n = 0; n < logits.length; n++) {
      shifted[n] -= log;
    }
    return shifted;
  }
}
