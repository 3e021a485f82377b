package org.mobileasr.trainer.core;

import java.util.ArrayList;
import java.util.List;

/** What a network with exits hears in a batch, a segment after another, until all have left. */
final class Listening {
  private final ExitRule rule;
  private final List<String> exits;
  private final String alphabet;
  private final int blank;

  /**
   * @param exits their names, from the shallowest to the deepest
   * @param alphabet characters in the order of the outputs, the blank left out
   * @param blank index of the blank's output
   */
  Listening(ExitRule rule, List<String> exits, String alphabet, int blank) {
    this.rule = rule;
    this.exits = exits;
    this.alphabet = alphabet;
    this.blank = blank;
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
          rows.get(row).hear(n, segment.logits[row], segment.seconds, seconds);
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

    /** Takes what an exit says; only {@code agreement} needs the text where nobody leaves. */
    void hear(int exit, float[][] logits, double segmentSeconds, double secondsSoFar) {
      boolean byEntropy = ExitRule.ENTROPY.equals(rule.rule);
      boolean byPosterior = ExitRule.POSTERIOR.equals(rule.rule);
      boolean byText = ExitRule.AGREEMENT.equals(rule.rule);
      long began = System.nanoTime();
      String text = GreedyDecoder.decode(logits, alphabet, blank);
      long decoded = System.nanoTime();
      Double entropy =
          ExitRules.meanEntropy(
              logits,
              blank,
              byEntropy ? rule.entropy : ExitRule.NATS,
              byEntropy ? rule.frames : ExitRule.ALL);
      long measured = System.nanoTime();
      Double sure = byPosterior ? ExitRules.posterior(logits, blank, rule) : null;
      long searched = System.nanoTime();
      answers.add(new Answer(exits.get(exit), text, segmentSeconds, entropy, sure));
      if (left != null) {
        return;
      }
      double decoding = (decoded - began) / 1e9;
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
