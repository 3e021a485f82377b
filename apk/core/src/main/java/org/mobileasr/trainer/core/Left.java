package org.mobileasr.trainer.core;

import java.util.Collections;
import java.util.List;

/** Where an utterance left a network with exits, and what it was heard as. */
public final class Left {
  /** At the exit where it left. */
  final String text;

  final String exit;

  /** Of all segments up to there, for the whole batch. */
  final double seconds;

  /** Of decoding and of the rule, for this utterance. */
  final double ruleSeconds;

  /** Utterances in its batch. */
  final int rows;

  /** From the shallowest exit up: those that were computed for it. */
  final List<Answer> answers;

  Left(Answer taken, double seconds, double ruleSeconds, int rows, List<Answer> answers) {
    text = taken.text;
    exit = taken.exit;
    this.seconds = seconds;
    this.ruleSeconds = ruleSeconds;
    this.rows = rows;
    this.answers = Collections.unmodifiableList(answers);
  }
}
