package org.mobileasr.trainer.core;

import java.util.ArrayList;
import java.util.List;

/** What a network with exits hears in a batch, a segment after another, until all have left. */
final class Listening {
  private final ExitRule rule;
  private final List<String> exits;
  private final Targets targets;

  /**
   * @param exits their names, from the shallowest to the deepest
   * @param targets what the outputs mean
   */
  Listening(ExitRule rule, List<String> exits, Targets targets) {
    this.rule = rule;
    this.exits = exits;
    this.targets = targets;
  }

  /**
   * Returns where each row of a batch leaves and what is heard there.
   *
   * @param segments no more of them are asked for once all rows have left
   */
  List<Left> heard(Segments segments) throws BadInputException {
    List<Row> rows = new ArrayList<Row>();
    boolean all = ExitRule.ALL.equals(rule.answers);
    double seconds = 0;
    int inside = 1;
    for (int n = 0; n < exits.size() && (all || inside > 0); n++) {
      Segments.Run segment = segments.next();
      seconds += segment.seconds;
      for (int row = 0; row < segment.logits.length; row++) {
        if (rows.size() == row) {
          rows.add(new Row());
        }
        if (rows.get(row).left == null || all) {
          rows.get(row).hear(n, segment, row, seconds);
        }
      }
      inside = 0;
      for (Row row : rows) {
        inside += row.left == null ? 1 : 0;
      }
    }
    List<Left> left = new ArrayList<Left>();
    for (Row row : rows) {
      left.add(new Left(row.left, row.seconds, row.ruleSeconds, rows.size(), row.answers));
    }
    return left;
  }

  private final class Row {
    private final List<Answer> answers = new ArrayList<Answer>();
    private double ruleSeconds;
    private Answer left;
    private double seconds;

    /**
     * Takes what an exit says; only {@code agreement} needs the text where nobody leaves. A
     * decoder's seconds are shared by the rows that it writes side by side.
     */
    void hear(int exit, Segments.Run segment, int row, double secondsSoFar) {
      float[][] logits = segment.logits[row];
      boolean byEntropy = ExitRule.ENTROPY.equals(rule.rule);
      boolean byPosterior = ExitRule.POSTERIOR.equals(rule.rule);
      boolean byText = ExitRule.AGREEMENT.equals(rule.rule);
      long began = System.nanoTime();
      String text =
          segment.written == null
              ? GreedyDecoder.decode(logits, targets)
              : segment.written.get(row);
      long decoded = System.nanoTime();
      Double entropy =
          ExitRules.meanEntropy(
              logits,
              targets.blank,
              byEntropy ? rule.entropy : ExitRule.NATS,
              byEntropy ? rule.frames : ExitRule.ALL);
      long measured = System.nanoTime();
      Double sure = byPosterior ? ExitRules.posterior(logits, targets.blank, rule) : null;
      long searched = System.nanoTime();
      answers.add(new Answer(exits.get(exit), text, segment.seconds, entropy, sure));
      if (left != null) {
        return;
      }
      double decoding =
          (decoded - began) / 1e9 + segment.writingSeconds / segment.logits.length;
      ruleSeconds += byText ? decoding : 0;
      ruleSeconds += byEntropy ? (measured - decoded) / 1e9 : 0;
      ruleSeconds += byPosterior ? (searched - measured) / 1e9 : 0;
      if (ExitRules.leaves(rule, answers, exit == exits.size() - 1)) {
        left = answers.get(answers.size() - 1);
        seconds = secondsSoFar;
        ruleSeconds += byText ? 0 : decoding;
      }
    }
  }
}
