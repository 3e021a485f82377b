package org.mobileasr.trainer.core;

/** Word errors by Levenshtein distance; counts of several utterances add up. */
public final class WordErrors {
  public final int errors;
  public final int referenceWords;

  private WordErrors(int errors, int referenceWords) {
    this.errors = errors;
    this.referenceWords = referenceWords;
  }

  /** No utterance yet. */
  public static WordErrors none() {
    return new WordErrors(0, 0);
  }

  /** Counts the fewest edits that turn the reference's words into the hypothesis's. */
  public static WordErrors between(String reference, String hypothesis) {
    String[] ref = words(reference);
    String[] heard = words(hypothesis);
    int[] row = new int[heard.length + 1];
    for (int j = 0; j <= heard.length; j++) {
      row[j] = j;
    }
    for (int i = 1; i <= ref.length; i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= heard.length; j++) {
        int replaced = diagonal + (ref[i - 1].equals(heard[j - 1]) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return new WordErrors(row[heard.length], ref.length);
  }

  /** The sum of both. */
  public WordErrors plus(WordErrors other) {
    return new WordErrors(errors + other.errors, referenceWords + other.referenceWords);
  }

  /** Errors a reference word, in percent; without reference words 0 or 100. */
  public double werPercent() {
    if (referenceWords == 0) {
      return errors == 0 ? 0.0 : 100.0;
    }
    return 100.0 * errors / referenceWords;
  }

  private static String[] words(String text) {
    String trimmed = text.trim();
    return trimmed.isEmpty() ? new String[0] : trimmed.split("\\s+");
  }
}
