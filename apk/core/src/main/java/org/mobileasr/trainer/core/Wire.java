package org.mobileasr.trainer.core;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How weights are written smaller ({@code share.wire} of the job file). */
final class Wire {
  static final String STOCHASTIC = "stochastic";
  static final String NEAREST_EVEN = "nearest_even";
  static final String NEAREST_AWAY = "nearest_away";

  private static final Pattern NAME = Pattern.compile("S1E[2-8]M([1-9]|1[0-5])|int[468]|float32");
  private static final String FLOAT32 = "float32";
  private static final List<String> PER =
      Collections.unmodifiableList(Arrays.asList("tensor", "column", "row"));
  private static final int MAX_DRAW = 256;

  /** {@code S1E3M7}, {@code int8}, {@code float32}. */
  final String format;

  /** {@code fn}: every code is a number; {@code ieee}: the top exponent is not. */
  final String kind;

  /** Whether the range is moved to where the numbers are. */
  final boolean fitted;

  final String rounding;
  final boolean subnormals;

  /** Whether a scale and a bias by least squares stand beside the codes. */
  final boolean transform;

  /** What has a scale: {@code tensor}, {@code column} or {@code row}. */
  final String per;

  /** Whether biases and norms are written smaller too. */
  final boolean all;

  /** Of the variables that could be written smaller, so many are. */
  final double share;

  /** Seed, round and client in a text. */
  final String draw;

  private Wire(Fields fields) throws BadInputException {
    fields.known(
        "format", "kind", "exponent", "rounding", "subnormals", "transform", "per", "variables",
        "share", "draw");
    format = fields.text("format", NAME, "a format (S1EeMm, int8, int6, int4, float32)");
    kind = fields.has("kind") ? fields.word("kind", "fn", "ieee") : "fn";
    fitted =
        !fields.has("exponent")
            || fields.word("exponent", "fitted", "conventional").equals("fitted");
    rounding =
        fields.has("rounding")
            ? fields.word("rounding", STOCHASTIC, NEAREST_EVEN, NEAREST_AWAY)
            : STOCHASTIC;
    subnormals = !fields.has("subnormals") || fields.flag("subnormals");
    transform = fields.has("transform") && fields.flag("transform");
    per = fields.has("per") ? fields.word("per", PER) : "tensor";
    all = fields.has("variables") && fields.word("variables", "weights", "all").equals("all");
    share = fields.has("share") ? fields.number("share", Double.MIN_VALUE, 1) : 1.0;
    draw = fields.has("draw") ? fields.text("draw") : "";
    fields.end();
    if (draw.codePointCount(0, draw.length()) > MAX_DRAW) {
      throw fields.wrong("draw", "longer than " + MAX_DRAW);
    }
    if (!format.startsWith("int") && !per.equals("tensor")) {
      throw fields.wrong("per", "is for int8, int6 and int4");
    }
    if (!isFloat() && !(kind.equals("fn") && fitted && subnormals && !transform)) {
      throw fields.wrong("format", "kind, exponent, subnormals and transform are for S1EeMm");
    }
  }

  /**
   * Reads a section of a job; null where there is none.
   *
   * @param name {@code wire} of {@code share}, {@code stored} of the job itself
   */
  static Wire of(Fields fields, String name) throws BadInputException {
    return fields.known(name).has(name) ? new Wire(fields.object(name)) : null;
  }

  /** Whether all bits stay, laid so that they deflate well. */
  boolean isShuffled() {
    return format.equals(FLOAT32);
  }

  /** Whether numbers are floating-point ones of few bits. */
  boolean isFloat() {
    return format.startsWith("S");
  }

  /** How to read what is written. */
  String coding() {
    return isShuffled() ? Packed.SHUFFLED : format + "/" + (isFloat() ? kind : per);
  }

  /**
   * The variables that are written small, by name.
   *
   * @param shapes of all variables of the model
   */
  List<String> chosen(Map<String, int[]> shapes) {
    List<String> names = new ArrayList<String>();
    for (Map.Entry<String, int[]> variable : shapes.entrySet()) {
      if (all || isWeight(variable.getValue())) {
        names.add(variable.getKey());
      }
    }
    return Lots.drawn(names, share, draw);
  }

  /** Whether a variable is a matrix, a stack of matrices or a kernel; a stack of biases is none. */
  static boolean isWeight(int[] shape) {
    int axes = shape.length;
    return axes > 3 || axes >= 2 && shape[axes - 1] > 1 && shape[axes - 2] > 1;
  }

  /**
   * The key of a variable's stochastic rounding.
   *
   * @param direction {@code up} for what goes back
   */
  String lotKey(String name, String direction) {
    return draw + ":" + direction + ":" + name;
  }

  /** What a format is made of: bits of exponent and mantissa; null for whole numbers. */
  static int[] floatBits(String format) {
    Matcher matcher = Pattern.compile("S1E([2-8])M([1-9]|1[0-5])").matcher(format);
    return matcher.matches()
        ? new int[] {Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2))}
        : null;
  }
}
