package org.mobileasr.trainer.core;

/**
 * The line that brings decoded numbers nearest to the true ones: OMC's scale and bias, with the sums
 * of {@code harness.compression.line}.
 */
final class Line {
  private static final int LANES = 4096;

  final double scale;
  final double bias;

  private Line(double scale, double bias) {
    this.scale = scale;
    this.bias = bias;
  }

  /** The line for which the squares of {@code truth - (scale * decoded + bias)} are least. */
  static Line fitted(float[] truth, float[] decoded) {
    if (truth.length == 0) {
      return new Line(1.0, 0.0);
    }
    double[] one = new double[LANES];
    double[] other = new double[LANES];
    for (int n = 0; n < truth.length; n++) {
      one[n % LANES] += truth[n];
      other[n % LANES] += decoded[n];
    }
    double meanTruth = total(one) / truth.length;
    double meanDecoded = total(other) / truth.length;
    double[] together = new double[LANES];
    double[] spread = new double[LANES];
    for (int n = 0; n < truth.length; n++) {
      double q = decoded[n] - meanDecoded;
      double v = truth[n] - meanTruth;
      together[n % LANES] += v * q;
      spread[n % LANES] += q * q;
    }
    double square = total(spread);
    if (square == 0) {
      return new Line(1.0, meanTruth - meanDecoded);
    }
    double s = total(together) / square;
    return new Line(s, meanTruth - s * meanDecoded);
  }

  private static double total(double[] lanes) {
    double sum = lanes[0];
    for (int n = 1; n < lanes.length; n++) {
      sum += lanes[n];
    }
    return sum;
  }
}
