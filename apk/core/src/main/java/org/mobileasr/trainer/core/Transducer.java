package org.mobileasr.trainer.core;

/** What decoding asks of a model that hears while a recording goes on. */
interface Transducer {
  /** What was written so far: the predictor's vector, and what it remembers. */
  final class Written {
    final float[] vector;

    /** Of the model's own kind. */
    final Object state;

    Written(float[] vector, Object state) {
      this.vector = vector;
      this.state = state;
    }
  }

  /**
   * The predictor after a label more.
   *
   * @param label the blank at the start
   * @param before null at the start
   */
  Written predict(int label, Written before);

  /** Logits of a frame, after what was written. */
  float[] joint(float[] heard, float[] written);
}
