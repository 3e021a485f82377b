package org.mobileasr.trainer.core;

/**
 * One recording, heard as if it went on now: samples come as from a microphone, a step can begin when
 * its last sample is there and the step before has ended. Steps run as fast as they do here, and only
 * the clock waits.
 */
public final class Streamed {
  /** Of the loudest frame's level: what is less loud is no speech any more. */
  private static final double SPEECH_SHARE = Math.pow(10, -30.0 / 20);

  private static final double FRAME_S = 0.01;

  final String text;
  final double audioS;

  /** Of all steps together. */
  final double computeS;

  /** Segments heard. */
  final int steps;

  /**
   * From the end of speech to the last change of the text, below 0 if it was written before; null if
   * nothing was heard.
   */
  final Double lastWordS;

  private Streamed(
      String text, double audioS, double computeS, int steps, Double lastWordS) {
    this.text = text;
    this.audioS = audioS;
    this.computeS = computeS;
    this.steps = steps;
    this.lastWordS = lastWordS;
  }

  /** Tells nanoseconds since any moment. */
  interface Clock {
    long nanos();
  }

  /**
   * Hears a recording.
   *
   * @param recogniser fresh
   * @param pcm its samples, one at least
   * @param sampleRate Hz
   */
  static Streamed hear(Recogniser recogniser, short[] pcm, int sampleRate, Clock clock) {
    double now = 0;
    double compute = 0;
    Double changed = null;
    for (int at = 0; at < pcm.length; ) {
      int count = Math.max(1, Math.min(recogniser.samplesWanted(), pcm.length - at));
      String before = recogniser.text();
      long began = clock.nanos();
      recogniser.hear(pcm, at, at + count);
      at += count;
      if (at == pcm.length) {
        recogniser.end();
      }
      double seconds = (clock.nanos() - began) / 1e9;
      now = Math.max(now, (double) at / sampleRate) + seconds;
      compute += seconds;
      if (!recogniser.text().equals(before)) {
        changed = now;
      }
    }
    double end = endOfSpeech(pcm, sampleRate);
    return new Streamed(
        recogniser.text(),
        (double) pcm.length / sampleRate,
        compute,
        recogniser.steps(),
        changed == null ? null : Double.valueOf(changed - end));
  }

  /** The second at which the last frame ends that is within 30 dB of the loudest. */
  static double endOfSpeech(short[] pcm, int sampleRate) {
    int width = Math.max(1, (int) (FRAME_S * sampleRate));
    double[] levels = new double[(pcm.length + width - 1) / width];
    double loudest = 0;
    for (int frame = 0; frame < levels.length; frame++) {
      double sum = 0;
      for (int n = frame * width; n < Math.min(pcm.length, (frame + 1) * width); n++) {
        sum += (double) pcm[n] * pcm[n];
      }
      levels[frame] = Math.sqrt(sum / width);
      loudest = Math.max(loudest, levels[frame]);
    }
    int last = levels.length - 1;
    while (levels[last] < loudest * SPEECH_SHARE) {
      last--;
    }
    return (double) Math.min(pcm.length, (last + 1) * width) / sampleRate;
  }
}
