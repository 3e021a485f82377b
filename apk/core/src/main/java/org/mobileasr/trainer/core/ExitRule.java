package org.mobileasr.trainer.core;

/** When an utterance leaves a network that has exits. */
public final class ExitRule {
  static final String LAST = "last";
  static final String FIXED = "fixed";
  static final String AGREEMENT = "agreement";
  static final String ENTROPY = "entropy";
  static final String POSTERIOR = "posterior";
  static final String NATS = "nats";
  static final String BITS = "bits";
  static final String NORMALISED = "normalised";
  static final String AS_CODE = "as_code";
  static final String ALL = "all";
  static final String NON_BLANK = "non_blank";
  static final String TAKEN = "taken";
  static final String CTC = "ctc";
  static final String ATTENTION = "attention";

  private static final int MOST = 1000;

  public final String rule;

  /** Where {@link #FIXED} leaves; null with any other rule. */
  public final String exit;

  /** Of {@link #ENTROPY} and {@link #POSTERIOR}; null with any other rule. */
  public final Double threshold;

  /** What the mean entropy is told in. */
  public final String entropy;

  /** Which output frames the mean entropy is of. */
  public final String frames;

  /** Hypotheses of the list that a posterior is taken from. */
  public final int nBest;

  /** Hypotheses that the prefix beam search keeps at each frame. */
  public final int beam;

  /** {@link #ALL}: the exits above the one that is taken are computed and told, too. */
  public final String answers;

  /** Who writes the text of an exit: its head by {@link #CTC}, or its {@link #ATTENTION} decoder. */
  public final String decoder;

  private ExitRule(Fields fields) throws BadInputException {
    fields.known("exit", "threshold");
    rule = word(fields, "rule", LAST, LAST, FIXED, AGREEMENT, ENTROPY, POSTERIOR);
    exit = fields.has("exit") ? fields.text("exit", Network.NAME, Network.A_NAME) : null;
    threshold = fields.has("threshold") ? Double.valueOf(fields.number("threshold")) : null;
    entropy = word(fields, "entropy", NATS, NATS, BITS, NORMALISED, AS_CODE);
    frames = word(fields, "frames", ALL, ALL, NON_BLANK);
    nBest = size(fields, "n_best");
    beam = size(fields, "beam");
    answers = word(fields, "answers", TAKEN, TAKEN, ALL);
    decoder = word(fields, "decoder", CTC, CTC, ATTENTION);
    fields.end();
    check(fields);
  }

  /**
   * Reads the rule of a job; null if it has none.
   *
   * @param job the whole job
   * @throws BadInputException it is no rule, or contradicts itself
   */
  static ExitRule of(Fields job) throws BadInputException {
    return job.known("exits").has("exits") ? new ExitRule(job.object("exits")) : null;
  }

  private void check(Fields fields) throws BadInputException {
    if ((exit != null) != FIXED.equals(rule)) {
      throw fields.wrong("", "exit and rule: fixed go together");
    }
    boolean byEntropy = ENTROPY.equals(rule);
    boolean byPosterior = POSTERIOR.equals(rule);
    if ((threshold != null) != (byEntropy || byPosterior)) {
      throw fields.wrong(
          "", "threshold goes with rule: entropy or posterior, and they need it");
    }
    if (byPosterior && !(threshold >= 0 && threshold <= 1)) {
      throw fields.wrong("", "threshold: a posterior lies between 0 and 1");
    }
    if (byEntropy && AS_CODE.equals(entropy) && threshold > 0) {
      throw fields.wrong("", "threshold: an entropy as_code is 0 or less");
    }
    if (byEntropy && !AS_CODE.equals(entropy) && threshold < 0) {
      throw fields.wrong("", "threshold: an entropy is 0 or more");
    }
    if (byEntropy && NORMALISED.equals(entropy) && threshold > 1) {
      throw fields.wrong("", "threshold: a normalised entropy is at most 1");
    }
    if (nBest > beam) {
      throw fields.wrong("", "n_best: a beam of fewer hypotheses has no such list");
    }
  }

  private static String word(Fields fields, String name, String other, String... allowed)
      throws BadInputException {
    return fields.known(name).has(name) ? fields.word(name, allowed) : other;
  }

  private static int size(Fields fields, String name) throws BadInputException {
    return fields.known(name).has(name) ? (int) fields.integer(name, 2, MOST) : 10;
  }
}
