package org.mobileasr.trainer.core;

import java.util.ArrayList;
import java.util.List;

/** When an utterance leaves a network with exits, as {@code harness.trainer.exit_rules} has it. */
final class ExitRules {
  private ExitRules() {}

  /**
   * The mean entropy of an utterance's output frames; 0 without any frame, null where the logits
   * are no numbers.
   *
   * @param logits {@code [frame][output]}
   * @param blank index of the blank's output
   * @param unit what it is told in
   * @param frames {@link ExitRule#NON_BLANK}: of the frames whose best output is no blank
   */
  static Double meanEntropy(float[][] logits, int blank, String unit, String frames) {
    double sum = 0;
    int count = 0;
    int outputs = 0;
    for (float[] frame : logits) {
      if (ExitRule.NON_BLANK.equals(frames) && GreedyDecoder.best(frame) == blank) {
        continue;
      }
      sum += entropy(LogSoftmax.of(frame));
      outputs = frame.length;
      count++;
    }
    if (count == 0) {
      return 0.0;
    }
    double nats = sum / count;
    if (Double.isNaN(nats) || Double.isInfinite(nats)) {
      return null;
    }
    if (ExitRule.BITS.equals(unit)) {
      return nats / Math.log(2);
    }
    if (ExitRule.NORMALISED.equals(unit)) {
      return nats / Math.log(outputs);
    }
    return ExitRule.AS_CODE.equals(unit) ? -nats / outputs : nats;
  }

  private static double entropy(double[] logP) {
    double sum = 0;
    for (double each : logP) {
      double p = Math.exp(each);
      // an output without any probability adds nothing, though its logarithm is infinite
      sum += p > 0 ? p * each : p;
    }
    return -sum;
  }

  /** The share of the best hypothesis among the N best; null if there is none. */
  static Double posterior(float[][] logits, int blank, ExitRule rule) {
    List<Double> scores = new ArrayList<Double>();
    for (PrefixBeam.Labelling each : PrefixBeam.nBest(logits, blank, rule.beam, rule.nBest)) {
      scores.add(each.score);
    }
    return PrefixBeam.posterior(scores);
  }

  /**
   * Whether an utterance leaves at the exit of the last of its answers.
   *
   * @param answers so far, from the shallowest exit up, each with its text
   * @param last whether that is the last exit
   */
  static boolean leaves(ExitRule rule, List<Answer> answers, boolean last) {
    Answer now = answers.get(answers.size() - 1);
    if (last) {
      return true;
    }
    if (ExitRule.FIXED.equals(rule.rule)) {
      return now.exit.equals(rule.exit);
    }
    if (ExitRule.AGREEMENT.equals(rule.rule)) {
      return answers.size() > 1 && answers.get(answers.size() - 2).text.equals(now.text);
    }
    if (ExitRule.ENTROPY.equals(rule.rule)) {
      return now.entropy != null && now.entropy <= rule.threshold;
    }
    if (ExitRule.POSTERIOR.equals(rule.rule)) {
      return now.posterior != null && now.posterior >= rule.threshold;
    }
    return false;
  }
}
