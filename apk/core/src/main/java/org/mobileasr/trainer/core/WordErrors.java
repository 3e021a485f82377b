package org.mobileasr.trainer.core;

import java.util.LinkedHashMap;
import java.util.Map;

/** Word errors by Levenshtein alignment; counts of several utterances add up. */
public final class WordErrors {
  public final int substitutions;
  public final int deletions;
  public final int insertions;
  public final int referenceWords;

  private WordErrors(int substitutions, int deletions, int insertions, int referenceWords) {
    this.substitutions = substitutions;
    this.deletions = deletions;
    this.insertions = insertions;
    this.referenceWords = referenceWords;
  }

  /** No utterance yet. */
  public static WordErrors none() {
    return new WordErrors(0, 0, 0, 0);
  }

  /**
   * Counts the fewest edits that turn the reference's words into the hypothesis's. Where several
   * alignments have the fewest, a substitution goes before a deletion, and that before an insertion.
   */
  public static WordErrors between(String reference, String hypothesis) {
    String[] ref = words(reference);
    String[] heard = words(hypothesis);
    // a row of the table at a time; a cell holds substitutions, deletions and insertions
    int[][] row = new int[heard.length + 1][];
    for (int j = 0; j <= heard.length; j++) {
      row[j] = new int[] {0, 0, j};
    }
    for (int i = 1; i <= ref.length; i++) {
      int[][] previous = row;
      row = new int[heard.length + 1][];
      row[0] = new int[] {0, i, 0};
      for (int j = 1; j <= heard.length; j++) {
        int[] best = previous[j - 1].clone();
        best[0] += ref[i - 1].equals(heard[j - 1]) ? 0 : 1;
        int[] deleted = previous[j].clone();
        deleted[1]++;
        int[] inserted = row[j - 1].clone();
        inserted[2]++;
        best = edits(deleted) < edits(best) ? deleted : best;
        row[j] = edits(inserted) < edits(best) ? inserted : best;
      }
    }
    int[] last = row[heard.length];
    return new WordErrors(last[0], last[1], last[2], ref.length);
  }

  private static int edits(int[] cell) {
    return cell[0] + cell[1] + cell[2];
  }

  /** The sum of both. */
  public WordErrors plus(WordErrors other) {
    return new WordErrors(
        substitutions + other.substitutions,
        deletions + other.deletions,
        insertions + other.insertions,
        referenceWords + other.referenceWords);
  }

  /** Substitutions, deletions and insertions. */
  public int errors() {
    return substitutions + deletions + insertions;
  }

  /**
   * Errors a reference word, in percent.
   *
   * @throws BadInputException there is no reference word, and so no rate
   */
  public double werPercent() throws BadInputException {
    if (referenceWords == 0) {
      throw new BadInputException(
          "the utterances", "no word is said in them, so there is no word error rate");
    }
    return 100.0 * errors() / referenceWords;
  }

  /** The counts by the names that the event log has for them. */
  Map<String, Integer> counts() {
    Map<String, Integer> counts = new LinkedHashMap<String, Integer>();
    counts.put("substitutions", substitutions);
    counts.put("deletions", deletions);
    counts.put("insertions", insertions);
    counts.put("reference_words", referenceWords);
    return counts;
  }

  private static String[] words(String text) {
    String trimmed = text.trim();
    return trimmed.isEmpty() ? new String[0] : trimmed.split("\\s+");
  }
}
