package org.mobileasr.trainer.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.reflect.TypeToken;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Networks with exits against the vectors of the Python reference. */
final class ExitsTest extends JobCases {
  private static final Gson GSON = new Gson();
  private static final double TOLERANCE = 1e-9;

  ExitsTest() {
    super(golden());
  }

  private static JsonObject golden() {
    return Golden.read("exits").getAsJsonObject();
  }

  static Stream<JsonObject> events() {
    return Golden.cases(golden().get("events"));
  }

  @ParameterizedTest
  @MethodSource("events")
  void events(JsonObject event) throws BadInputException {
    assertEquals(event, JsonParser.parseString(Event.parse(event.toString()).toString()));
  }

  @ParameterizedTest
  @MethodSource("events")
  void eventsWithoutOneOfTheirFields(JsonObject event) {
    for (String name : new ArrayList<>(event.keySet())) {
      JsonObject less = event.deepCopy();
      less.remove(name);
      if (!name.equals("ignored") && !name.equals("contract_version")) {
        assertThrows(BadInputException.class, () -> Event.parse(less.toString()), name);
      }
    }
  }

  static Stream<JsonObject> entropies() {
    return Golden.cases(golden().get("entropies"));
  }

  @ParameterizedTest
  @MethodSource("entropies")
  void entropies(JsonObject given) {
    Double found =
        ExitRules.meanEntropy(
            logits(given.get("logits")),
            given.get("blank").getAsInt(),
            given.get("unit").getAsString(),
            given.get("frames").getAsString());
    assertEquals(given.get("entropy").getAsDouble(), found, TOLERANCE);
  }

  static Stream<JsonObject> beams() {
    return Golden.cases(golden().get("beams"));
  }

  @ParameterizedTest
  @MethodSource("beams")
  void beams(JsonObject given) {
    List<PrefixBeam.Labelling> found =
        PrefixBeam.nBest(
            logits(given.get("logits")),
            given.get("blank").getAsInt(),
            given.get("beam").getAsInt(),
            given.get("n_best").getAsInt());
    List<Double> scores = new ArrayList<>();
    JsonArray labels = given.getAsJsonArray("labels");
    assertEquals(labels.size(), found.size());
    for (int n = 0; n < found.size(); n++) {
      assertArrayEquals(GSON.fromJson(labels.get(n), int[].class), found.get(n).labels);
      scores.add(found.get(n).score);
      assertEquals(
          given.getAsJsonArray("scores").get(n).getAsDouble(), scores.get(n), TOLERANCE);
    }
    assertEquals(
        given.get("posterior").getAsDouble(), PrefixBeam.posterior(scores), TOLERANCE);
  }

  static Stream<JsonObject> decisions() {
    return Golden.cases(golden().get("decisions"));
  }

  @ParameterizedTest
  @MethodSource("decisions")
  void decisions(JsonObject given) throws BadInputException {
    List<String> exits =
        GSON.fromJson(given.get("exits"), new TypeToken<List<String>>() {}.getType());
    Told told = new Told(GSON.fromJson(given.get("logits"), float[][][][].class));
    List<Left> found =
        new Listening(
                rule(given.get("rule")),
                exits,
                targets(given.get("alphabet").getAsString(), given.get("blank").getAsInt()))
            .heard(told);
    assertEquals(given.get("segments").getAsInt(), told.ran);
    JsonArray wanted = given.getAsJsonArray("left");
    assertEquals(wanted.size(), found.size());
    for (int row = 0; row < found.size(); row++) {
      check(wanted.get(row).getAsJsonObject(), found.get(row));
    }
  }

  private static void check(JsonObject wanted, Left found) {
    assertEquals(wanted.get("exit").getAsString(), found.exit);
    assertEquals(wanted.get("text").getAsString(), found.text);
    assertEquals(wanted.get("seconds").getAsDouble(), found.seconds);
    assertEquals(wanted.get("rows").getAsInt(), found.rows);
    JsonArray answers = wanted.getAsJsonArray("answers");
    assertEquals(answers.size(), found.answers.size());
    for (int n = 0; n < answers.size(); n++) {
      JsonObject answer = answers.get(n).getAsJsonObject();
      Answer own = found.answers.get(n);
      assertEquals(answer.get("exit").getAsString(), own.exit);
      assertEquals(answer.get("text").getAsString(), own.text);
      assertEquals(answer.get("seconds").getAsDouble(), own.seconds);
      assertEquals(answer.get("entropy").getAsDouble(), own.entropy, TOLERANCE);
      assertEquals(answer.get("posterior").isJsonNull(), own.posterior == null);
      if (own.posterior != null) {
        assertEquals(answer.get("posterior").getAsDouble(), own.posterior, TOLERANCE);
      }
    }
  }

  @Test
  void noNumberIsNoCertainty() throws BadInputException {
    float[][] bad = {{Float.NaN, 1, 2, 3}};
    assertNull(ExitRules.meanEntropy(bad, 3, ExitRule.NATS, ExitRule.ALL));
    assertEquals("a", GreedyDecoder.decode(bad, targets("abc", 3)));
    for (String rule :
        List.of(
            "{\"rule\": \"entropy\", \"threshold\": 9}",
            "{\"rule\": \"posterior\", \"threshold\": 0}")) {
      Listening listening =
          new Listening(rule(JsonParser.parseString(rule)), List.of("Low", "High"), targets("abc", 3));
      Left left = listening.heard(new Told(new float[][][][] {{bad}, {bad}})).get(0);
      assertEquals("High", left.exit);
      assertNull(left.answers.get(0).posterior);
      assertNull(left.answers.get(0).entropy);
    }
  }

  @Test
  void anOutputWithoutAnyProbabilityAddsNothing() {
    float[][] sure = {{0, Float.NEGATIVE_INFINITY}};
    assertEquals(0.0, ExitRules.meanEntropy(sure, 1, ExitRule.NATS, ExitRule.ALL));
    assertNull(PrefixBeam.posterior(Collections.<Double>emptyList()));
  }

  private static Targets targets(String alphabet, int blank) {
    return new Targets(alphabet, blank, Collections.<String>emptyList());
  }

  @Test
  void aDecoderWritesInPlaceOfTheHead() throws BadInputException {
    float[][] sure = {{9, 0, 0, 0}};
    Segments.Run run =
        new Segments.Run(new float[][][] {sure, sure}, 1.0, List.of("one", "two"), 0.5);
    Segments segments = () -> run;
    ExitRule attention = rule(JsonParser.parseString("{\"decoder\": \"attention\"}"));
    List<Left> left =
        new Listening(attention, List.of("Only"), targets("abc", 3)).heard(segments);
    assertEquals("one", left.get(0).text);
    assertEquals("two", left.get(1).text);
    assertEquals(0.25, left.get(1).ruleSeconds, 0.1);
  }

  @Test
  void paddingWritesNothingAndEndsNothing() {
    int[][] said = {{1, 2, 2}, {2, 0, 2}, {0, 0, 2}};
    GreedyWriter.Step step =
        (token, position) -> {
          float[][] next = new float[3][3];
          for (int row = 0; row < 3; row++) {
            assertEquals(position == 0 ? 0 : said[position - 1][row], token[row]);
            next[row][said[position][row]] = 1;
          }
          return next;
        };
    assertEquals(List.of(List.of(1, 2), List.of(2)), GreedyWriter.write(step, 2, 3, 0, 9));
    assertEquals(List.of(List.of(1, 2), List.of(2)), GreedyWriter.write(step, 2, 3, 0, 2));
  }

  private static ExitRule rule(JsonElement rule) throws BadInputException {
    JsonObject job = new JsonObject();
    job.add("exits", rule);
    return ExitRule.of(Fields.parse(job.toString()));
  }

  private static float[][] logits(JsonElement given) {
    return GSON.fromJson(given, float[][].class);
  }

  /** Segments that have run already, a second each. */
  private static final class Told implements Segments {
    private final float[][][][] logits;
    private int ran;

    Told(float[][][][] logits) {
      this.logits = logits;
    }

    @Override
    public Run next() {
      return new Run(logits[ran++], 1.0, null, 0);
    }
  }
}
