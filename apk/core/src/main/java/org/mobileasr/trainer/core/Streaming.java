package org.mobileasr.trainer.core;

/** How validation utterances are heard while they go on. */
public final class Streaming {
  /** Whose files have the signatures for it. */
  static final String FAMILY = "transducer";

  private static final int MOST = 64;

  /** Labellings that are kept; 1: the likeliest label of each step. */
  public final int beam;

  private Streaming(Fields fields) throws BadInputException {
    beam = fields.known("beam").has("beam") ? (int) fields.integer("beam", 1, MOST) : 1;
    fields.end();
  }

  /**
   * Reads it from a job; null if the job hears whole utterances.
   *
   * @param job the whole job
   */
  static Streaming of(Fields job) throws BadInputException {
    return job.known("streaming").has("streaming")
        ? new Streaming(job.object("streaming"))
        : null;
  }
}
