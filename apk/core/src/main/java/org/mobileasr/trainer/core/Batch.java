package org.mobileasr.trainer.core;

import java.util.List;

/**
 * Utterances padded to the flatbuffer's static shapes. Rows past {@link #rows} are padding of
 * length 0: they change neither the loss nor the gradient.
 */
public final class Batch {
  /** {@code [batch, frames, mels]}, row after row. */
  final float[] x;

  final int[] inLen;

  /** {@code [batch, labels]}, row after row. */
  final int[] labels;

  final int[] labLen;

  /** Real utterances, the first rows. */
  public final int rows;

  private Batch(float[] x, int[] inLen, int[] labels, int[] labLen, int rows) {
    this.x = x;
    this.inLen = inLen;
    this.labels = labels;
    this.labLen = labLen;
    this.rows = rows;
  }

  /**
   * Pads up to one batch of utterances.
   *
   * @param features {@code [frames][mels]} of each
   * @param texts their transcripts; empty ones will do to listen
   * @throws BadInputException too long for the model, too short for its text, or not in its
   *     alphabet
   */
  public static Batch of(List<float[][]> features, List<String> texts, ModelInfo info)
      throws BadInputException {
    int rows = features.size();
    if (rows < 1 || rows > info.batchSize || rows != texts.size()) {
      throw new IllegalArgumentException(
          rows + " features and " + texts.size() + " texts for batch " + info.batchSize);
    }
    int mels = features.get(0)[0].length;
    float[] x = new float[info.batchSize * info.maxFrames * mels];
    int[] labels = new int[info.batchSize * info.maxLabel];
    int[] inLen = new int[info.batchSize];
    int[] labLen = new int[info.batchSize];
    for (int row = 0; row < rows; row++) {
      float[][] feature = features.get(row);
      int[] label = info.targets.labels(texts.get(row));
      checkLengths(feature.length, label, texts.get(row), info);
      for (int t = 0; t < feature.length; t++) {
        System.arraycopy(feature[t], 0, x, (row * info.maxFrames + t) * mels, mels);
      }
      System.arraycopy(label, 0, labels, row * info.maxLabel, label.length);
      inLen[row] = feature.length;
      labLen[row] = label.length;
    }
    return new Batch(x, inLen, labels, labLen, rows);
  }

  private static void checkLengths(int frames, int[] label, String text, ModelInfo info)
      throws BadInputException {
    String where = "'" + text + "'";
    if (frames < 1 || frames > info.maxFrames) {
      throw new BadInputException(
          where, frames + " frames of features; the model takes 1 to " + info.maxFrames);
    }
    if (label.length > info.maxLabel) {
      throw new BadInputException(
          where, label.length + " " + info.targets.kind() + "; the model takes " + info.maxLabel);
    }
    int needed = label.length;
    for (int n = 1; n < label.length; n++) {
      needed += label[n] == label[n - 1] ? 1 : 0;
    }
    if (needed > info.outputFrames(frames)) {
      throw new BadInputException(
          where,
          info.outputFrames(frames)
              + " output frames cannot hold "
              + label.length
              + " " + info.targets.kind() + ": the recording is too short for its transcript");
    }
  }
}
