package org.mobileasr.trainer.core;

import java.util.ArrayList;
import java.util.List;

/** What was heard in some utterances, and how wrong it is. */
final class Heard {
  final WordErrors errors;
  final List<Hypothesis> hypotheses;

  private Heard(WordErrors errors, List<Hypothesis> hypotheses) {
    this.errors = errors;
    this.hypotheses = hypotheses;
  }

  /**
   * @param said the utterances
   * @param heard a text for each of them
   */
  static Heard of(List<Job.Utterance> said, List<String> heard) {
    WordErrors errors = WordErrors.none();
    List<Hypothesis> hypotheses = new ArrayList<Hypothesis>();
    for (int n = 0; n < heard.size(); n++) {
      errors = errors.plus(WordErrors.between(said.get(n).text, heard.get(n)));
      hypotheses.add(new Hypothesis(said.get(n).id, heard.get(n)));
    }
    return new Heard(errors, hypotheses);
  }

  /** What the model heard in one utterance; written to the log by its field names. */
  static final class Hypothesis {
    @SuppressWarnings("unused")
    private final String id;

    @SuppressWarnings("unused")
    private final String text;

    private Hypothesis(String id, String text) {
      this.id = id;
      this.text = text;
    }
  }
}
