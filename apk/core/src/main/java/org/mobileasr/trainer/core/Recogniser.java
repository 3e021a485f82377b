package org.mobileasr.trainer.core;

import java.util.Arrays;

/** Hears one recording: takes its samples as they come, and tells its text so far. */
final class Recogniser {
  /**
   * Most labels that a frame may write, heard while it goes on: a transducer likes to wait until it
   * is sure, and then writes much at once.
   */
  static final int LABELS_A_FRAME = 8;

  private final StreamingModel model;
  private final Targets targets;
  private final Transduction decoder;
  private short[] waiting = new short[0];
  private StreamingModel.Encoded state;
  private int steps;

  /**
   * @param targets what the model's outputs mean
   * @param beam labellings that are kept
   */
  Recogniser(StreamingModel model, Targets targets, int beam) {
    this.model = model;
    this.targets = targets;
    decoder = Transduction.of(model, targets.blank, LABELS_A_FRAME, beam);
  }

  /** What was heard so far. */
  String text() {
    return targets.text(decoder.labels());
  }

  /** Segments heard so far. */
  int steps() {
    return steps;
  }

  /** Samples that must come until the next step. */
  int samplesWanted() {
    return Math.max(0, model.shape().samples - waiting.length);
  }

  /** Takes more samples. */
  void hear(short[] pcm, int start, int end) {
    int before = waiting.length;
    waiting = Arrays.copyOf(waiting, before + end - start);
    System.arraycopy(pcm, start, waiting, before, end - start);
    while (waiting.length >= model.shape().samples) {
      step();
    }
  }

  /** Hears what is left. */
  void end() {
    while (waiting.length >= model.shape().window) {
      step();
    }
  }

  private void step() {
    StreamingModel.Shape shape = model.shape();
    int count = Math.min(shape.samples, waiting.length);
    float[][] features = model.features(waiting, 0, count);
    state = model.encode(features, state);
    steps++;
    int reduction = shape.hop / shape.chunk;
    int real = Math.min(shape.chunk, (features.length + reduction - 1) / reduction);
    for (int frame = 0; frame < real; frame++) {
      decoder.hear(state.frames[frame]);
    }
    int heard = Math.min(waiting.length, shape.hop * shape.hopSamples);
    waiting = Arrays.copyOfRange(waiting, heard, waiting.length);
  }
}
