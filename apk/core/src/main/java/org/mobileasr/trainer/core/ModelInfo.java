package org.mobileasr.trainer.core;

/** What is fixed in a flatbuffer; from its signature {@code info}. */
public final class ModelInfo {
  public final int batchSize;
  public final int maxFrames;
  public final int maxLabel;

  /** Characters in the order of the outputs, the blank left out. */
  public final String alphabet;

  public final int blank;
  public final int sampleRate;
  public final int window;
  public final int hop;

  /** Frames of features that an output frame stands for. */
  public final int timeStride;

  ModelInfo(
      int batchSize,
      int maxFrames,
      int maxLabel,
      String alphabet,
      int blank,
      int sampleRate,
      int window,
      int hop,
      int timeStride) {
    this.batchSize = batchSize;
    this.maxFrames = maxFrames;
    this.maxLabel = maxLabel;
    this.alphabet = alphabet;
    this.blank = blank;
    this.sampleRate = sampleRate;
    this.window = window;
    this.hop = hop;
    this.timeStride = timeStride;
  }

  /** Samples of the longest utterance. */
  public int maxSamples() {
    return window + (maxFrames - 1) * hop;
  }

  /** Output frames of an utterance of this many frames of features. */
  public int outputFrames(int frames) {
    return (frames + timeStride - 1) / timeStride;
  }
}
