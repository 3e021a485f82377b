package org.mobileasr.trainer.core;

/**
 * The signatures of a model file for streaming; what they take and give is written in {@code
 * harness.model.transducer.streaming}.
 */
interface StreamingModel extends Transducer {
  /** What an encoder gave of a segment, and remembers. */
  final class Encoded {
    /** {@code [frame][number]}. */
    final float[][] frames;

    /** Of the model's own kind. */
    final Object state;

    Encoded(float[][] frames, Object state) {
      this.frames = frames;
      this.state = state;
    }
  }

  /** How much of a recording a step takes. */
  final class Shape {
    /** Samples of a step: a segment and what it waits for. */
    final int samples;

    /** Samples of the shortest step. */
    final int window;

    /** Frames of features between two steps: a segment. */
    final int hop;

    /** Samples between two frames of features. */
    final int hopSamples;

    /** Frames that the encoder gives a step. */
    final int chunk;

    Shape(int samples, int window, int hop, int hopSamples, int chunk) {
      this.samples = samples;
      this.window = window;
      this.hop = hop;
      this.hopSamples = hopSamples;
      this.chunk = chunk;
    }
  }

  Shape shape();

  /** Features {@code [frame][number]} of the samples of a step, from {@code start} on. */
  float[][] features(short[] pcm, int start, int count);

  /**
   * What the encoder gives of a step's features.
   *
   * @param before of the step before; null at the start
   */
  Encoded encode(float[][] features, Encoded before);
}
