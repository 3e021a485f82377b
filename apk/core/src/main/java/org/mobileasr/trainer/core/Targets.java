package org.mobileasr.trainer.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What outputs mean: characters, or pieces of words by byte pair encoding. Of two neighbours that
 * make a piece the earliest piece of the list is joined first. A space begins a word, so each text
 * is read with one before it.
 */
public final class Targets {
  private static final int LONGEST_PIECE = 32;

  /** Characters of the first outputs, the blank left out; then the pieces. */
  private final List<String> parts;

  private final Map<String, Integer> places = new HashMap<String, Integer>();
  private final int characters;

  /** Index of the blank's output. */
  public final int blank;

  /**
   * @param alphabet characters, in the order of the first outputs, the blank left out
   * @param blank index of the blank's output
   * @param pieces in the order in which they are joined; none: a network that writes characters
   */
  public Targets(String alphabet, int blank, List<String> pieces) {
    List<String> all = new ArrayList<String>();
    for (int n = 0; n < alphabet.length(); n++) {
      all.add(alphabet.substring(n, n + 1));
    }
    characters = all.size();
    all.addAll(pieces);
    for (int n = 0; n < all.size(); n++) {
      places.put(all.get(n), n);
    }
    parts = Collections.unmodifiableList(all);
    this.blank = blank;
  }

  /** Characters, pieces and the blank. */
  public int outputs() {
    return parts.size() + 1;
  }

  /** What they are called in a message. */
  String kind() {
    return pieces() ? "pieces" : "characters";
  }

  private boolean pieces() {
    return parts.size() > characters;
  }

  /**
   * The outputs that write a text.
   *
   * @throws BadInputException it has a character that the alphabet has not
   */
  public int[] labels(String text) throws BadInputException {
    List<String> written = new ArrayList<String>();
    String read = pieces() && !text.isEmpty() ? " " + text : text;
    for (int n = 0; n < read.length(); n++) {
      written.add(read.substring(n, n + 1));
    }
    while (joinFirst(written)) {
      continue;
    }
    int[] labels = new int[written.size()];
    for (int n = 0; n < labels.length; n++) {
      Integer place = places.get(written.get(n));
      if (place == null) {
        throw new BadInputException(
            "'" + text + "'",
            "the model cannot write '" + written.get(n)
                + "'; normalise transcripts to its alphabet");
      }
      labels[n] = place >= blank ? place + 1 : place;
    }
    return labels;
  }

  /** Joins the two neighbours that make the earliest piece; returns whether there were two. */
  private boolean joinFirst(List<String> written) {
    int best = Integer.MAX_VALUE;
    int at = -1;
    for (int n = 0; pieces() && n + 1 < written.size(); n++) {
      Integer place = places.get(written.get(n) + written.get(n + 1));
      if (place != null && place < best) {
        best = place;
        at = n;
      }
    }
    if (at < 0) {
      return false;
    }
    written.set(at, written.get(at) + written.remove(at + 1));
    return true;
  }

  /** What labels write; none of them is the blank. */
  public String text(List<Integer> labels) {
    StringBuilder text = new StringBuilder();
    for (int label : labels) {
      text.append(parts.get(label > blank ? label - 1 : label));
    }
    if (pieces() && text.length() > 0 && text.charAt(0) == ' ') {
      text.deleteCharAt(0);
    }
    return text.toString();
  }

  /** Why a list of pieces is none, or null if it is one. */
  static String problem(String alphabet, List<String> pieces) {
    Set<String> before = new HashSet<String>();
    for (int n = 0; n < alphabet.length(); n++) {
      before.add(alphabet.substring(n, n + 1));
    }
    for (String piece : pieces) {
      if (piece.length() < 2
          || piece.length() > LONGEST_PIECE
          || piece.indexOf(' ', 1) > 0
          || !isMade(piece, before)
          || !before.add(piece)) {
        return "'" + piece + "' is no piece after those before it";
      }
    }
    return null;
  }

  private static boolean isMade(String piece, Set<String> before) {
    for (int n = 1; n < piece.length(); n++) {
      if (before.contains(piece.substring(0, n)) && before.contains(piece.substring(n))) {
        return true;
      }
    }
    return false;
  }
}
