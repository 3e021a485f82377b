package org.mobileasr.trainer.core;

/**
 * How long training goes on without getting better; {@link #after} is told each epoch's WER.
 *
 * <p>{@link #BEST_SO_FAR}: an epoch that is not better than the best so far raises the count, a
 * better one resets it. {@link #AS_PRINTED}: Algorithm 2, lines 11 to 17, as indented in the paper:
 * an epoch <em>at or under</em> the last one's WER raises the count, which is reset whenever it is
 * still under the patience; the first comparison is with 0.
 */
public final class Patience {
  public static final String BEST_SO_FAR = "best_so_far";
  public static final String AS_PRINTED = "as_printed";

  public final int count;

  /** Training must end. */
  public final boolean stop;

  private final String policy;
  private final int patience;
  private final double reference;

  private Patience(String policy, int patience, int count, double reference, boolean stop) {
    this.policy = policy;
    this.patience = patience;
    this.count = count;
    this.reference = reference;
    this.stop = stop;
  }

  /** The state before the first epoch, given the untrained model's WER. */
  public static Patience start(String policy, int patience, double baselineWerPercent) {
    double reference = BEST_SO_FAR.equals(policy) ? baselineWerPercent : 0.0;
    return new Patience(policy, patience, 0, reference, false);
  }

  /** The state after an epoch with this WER. */
  public Patience after(double werPercent) {
    if (AS_PRINTED.equals(policy)) {
      int raised = werPercent <= reference ? count + 1 : count;
      boolean over = werPercent <= reference && raised >= patience;
      int kept = werPercent <= reference && !over ? 0 : raised;
      return new Patience(policy, patience, kept, werPercent, over);
    }
    if (werPercent < reference) {
      return new Patience(policy, patience, 0, werPercent, false);
    }
    return new Patience(policy, patience, count + 1, reference, count + 1 >= patience);
  }
}
