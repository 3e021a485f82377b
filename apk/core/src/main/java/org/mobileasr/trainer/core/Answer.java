package org.mobileasr.trainer.core;

/** What one exit said of an utterance; written to the log by its field names. */
final class Answer {
  final String exit;

  /** Null where the job shares no hypotheses. */
  final String text;

  /** Of the segment below this exit, its head included, for the whole batch. */
  final double seconds;

  /** In the rule's unit, nats where the rule is another; null where the logits are no numbers. */
  final Double entropy;

  /** Share of the best hypothesis among the N best; null where the rule does not ask for it. */
  final Double posterior;

  Answer(String exit, String text, double seconds, Double entropy, Double posterior) {
    this.exit = exit;
    this.text = text;
    this.seconds = seconds;
    this.entropy = entropy;
    this.posterior = posterior;
  }

  /** The same, without what was heard. */
  Answer withoutText() {
    return new Answer(exit, null, seconds, entropy, posterior);
  }
}
