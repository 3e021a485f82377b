package org.mobileasr.trainer.core;

import java.util.List;

/**
 * What a job of federated training asks besides ({@code share} of the job file): what goes back to
 * the host, and what does not.
 */
public final class Share {
  /** Of {@link #form}: the trained layers as they are in the end. */
  static final String WEIGHTS = "weights";

  /** Of {@link #form}: those minus what the job began with. */
  static final String DELTA = "delta";

  /** Name of the file that goes back, in the folder of checkpoints. */
  static final String FILE = "update.npz";

  /** {@link #WEIGHTS} or {@link #DELTA}. */
  public final String form;

  /** Training ends after so many optimiser steps; null = when its epochs do. */
  public final Integer steps;

  /** FedProx's mu; 0 = no such term. */
  public final double proximal;

  /** Whether the log holds what was heard; else only counts of word errors. */
  public final boolean hypotheses;

  /** How weights are written smaller; null = as 32-bit floats. */
  final Wire wire;

  private Share(Fields fields, boolean hasStart) throws BadInputException {
    fields.known("form", "steps", "proximal", "hypotheses", "wire");
    form = fields.has("form") ? fields.word("form", WEIGHTS, DELTA) : WEIGHTS;
    steps = fields.has("steps") ? (int) fields.integer("steps", 1, Integer.MAX_VALUE) : null;
    proximal = fields.has("proximal") ? fields.number("proximal", 0, Double.MAX_VALUE) : 0.0;
    hypotheses = fields.has("hypotheses") && fields.flag("hypotheses");
    wire = Wire.of(fields, "wire");
    fields.end();
    if (!hasStart && (DELTA.equals(form) || proximal > 0)) {
      throw fields.wrong("", "differences and a proximal term need model.checkpoint");
    }
  }

  /**
   * Reads the section of a job; null where there is none.
   *
   * @throws BadInputException it asks for what there is not, or contradicts the job
   */
  static Share of(Fields job, Job.Model model, List<Job.OtherSpeaker> others)
      throws BadInputException {
    if (!job.known("share").has("share")) {
      return null;
    }
    Share share = new Share(job.object("share"), model.checkpoint != null);
    if (!share.hypotheses && !others.isEmpty()) {
      throw job.wrong("share", "also_evaluate tells what was heard; share.hypotheses forbids that");
    }
    return share;
  }

  static Tensor difference(Tensor after, Tensor before) {
    float[] values = new float[after.values.length];
    for (int n = 0; n < values.length; n++) {
      values[n] = after.values[n] - before.values[n];
    }
    return new Tensor(after.shape, values);
  }

  /**
   * A weight after FedProx's step towards where it began. The flatbuffer's own step is Adam's and
   * cannot take another term into its gradient, so the term acts beside it, as weight decay does in
   * AdamW.
   *
   * @param amount learning rate times mu
   */
  static Tensor pulledBack(Tensor value, Tensor start, double amount) {
    float share = (float) amount;
    float[] values = new float[value.values.length];
    for (int n = 0; n < values.length; n++) {
      values[n] = value.values[n] - share * (value.values[n] - start.values[n]);
    }
    return new Tensor(value.shape, values);
  }
}
