package org.mobileasr.trainer.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.reflect.TypeToken;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Recordings heard while they go on, against the vectors of the Python reference. */
final class StreamingTest extends JobCases {
  private static final Gson GSON = new Gson();
  private static final double TOLERANCE = 1e-9;
  private static final int WINDOW = 40;
  private static final int HOP = 16;
  private static final int RATE = 160;

  StreamingTest() {
    super(golden());
  }

  private static JsonObject golden() {
    return Golden.read("streaming").getAsJsonObject();
  }

  /** The model of whole numbers of tests/golden/streaming.py. */
  private static final class Table implements StreamingModel {
    private final float[][][] logits;
    private final Shape shape = new Shape(WINDOW + 5 * HOP, WINDOW, 4, HOP, 2);

    Table(JsonElement logits) {
      this.logits = GSON.fromJson(logits, float[][][].class);
    }

    @Override
    public Shape shape() {
      return shape;
    }

    @Override
    public float[][] features(short[] pcm, int start, int count) {
      float[][] features = new float[1 + (count - WINDOW) / HOP][1];
      for (int t = 0; t < features.length; t++) {
        features[t][0] = pcm[start + t * HOP];
      }
      return features;
    }

    @Override
    public Encoded encode(float[][] features, Encoded before) {
      int past = before == null ? 0 : (int) before.state;
      int[] padded = new int[4];
      for (int t = 0; t < Math.min(4, features.length); t++) {
        padded[t] = (int) features[t][0];
      }
      float[][] frames = {
        {(past + padded[0] + 2 * padded[1]) % 5}, {(past + padded[2] + 2 * padded[3]) % 5}
      };
      return new Encoded(frames, (past + padded[0] + padded[1] + padded[2] + padded[3]) % 11);
    }

    @Override
    public Written predict(int label, Written before) {
      int place = before == null ? label : (3 * (int) before.state + label + 1) % 7;
      return new Written(new float[] {place}, place);
    }

    @Override
    public float[] joint(float[] heard, float[] written) {
      return logits[(int) heard[0]][(int) written[0]];
    }
  }

  static Stream<JsonObject> events() {
    return Golden.cases(golden().get("events"));
  }

  @ParameterizedTest
  @MethodSource("events")
  void events(JsonObject event) throws BadInputException {
    assertEquals(event, JsonParser.parseString(Event.parse(event.toString()).toString()));
    for (String name : event.keySet()) {
      JsonObject less = event.deepCopy();
      less.remove(name);
      assertThrows(BadInputException.class, () -> Event.parse(less.toString()), name);
    }
  }

  static Stream<JsonObject> decoding() {
    return Golden.cases(golden().get("decoding"));
  }

  @ParameterizedTest
  @MethodSource("decoding")
  void decoding(JsonObject given) {
    Transduction decoder =
        Transduction.of(
            new Table(given.get("logits")),
            0,
            given.get("labels_a_frame").getAsInt(),
            given.get("beam").getAsInt());
    for (JsonElement frame : given.getAsJsonArray("frames")) {
      decoder.hear(new float[] {frame.getAsFloat()});
    }
    assertEquals(integers(given.get("labels")), decoder.labels());
    JsonArray lists = given.getAsJsonArray("n_best");
    for (int n = 0; n < lists.size(); n++) {
      List<Transduction.Hypothesis> found = ((Transduction.Beam) decoder).hypotheses();
      assertEquals(lists.size(), found.size());
      assertEquals(integers(lists.get(n)), found.get(n).labels);
      assertEquals(
          given.getAsJsonArray("scores").get(n).getAsDouble(), found.get(n).score, TOLERANCE);
    }
  }

  private static List<Integer> integers(JsonElement values) {
    return GSON.fromJson(values, new TypeToken<List<Integer>>() {}.getType());
  }

  static Stream<JsonObject> recordings() {
    return Golden.cases(golden().get("recordings"));
  }

  @ParameterizedTest
  @MethodSource("recordings")
  void recordings(JsonObject given) {
    Table model = new Table(given.get("logits"));
    short[] pcm = GSON.fromJson(given.get("pcm"), short[].class);
    int[] asked = {0};
    Streamed heard =
        Streamed.hear(
            new Recogniser(model, new Targets("abc", 0, List.of()), given.get("beam").getAsInt()),
            pcm,
            RATE,
            () -> {
              asked[0]++;
              return (long) asked[0] * asked[0] * 15_625_000L;
            });
    assertEquals(given.get("text").getAsString(), heard.text);
    assertEquals(given.get("steps").getAsInt(), heard.steps);
    assertEquals(given.get("audio_s").getAsDouble(), heard.audioS, TOLERANCE);
    assertEquals(given.get("compute_s").getAsDouble(), heard.computeS, TOLERANCE);
    if (given.get("last_word_s").isJsonNull()) {
      assertNull(heard.lastWordS);
    } else {
      assertEquals(given.get("last_word_s").getAsDouble(), heard.lastWordS, TOLERANCE);
    }
  }

  @Test
  void anotherFamilyIsRefused() throws BadInputException {
    JsonObject job =
        validJobs().findFirst().orElseThrow().getAsJsonObject("job").deepCopy();
    JsonObject network =
        Golden.read("networks")
            .getAsJsonObject()
            .getAsJsonArray("valid")
            .get(0)
            .getAsJsonObject()
            .getAsJsonObject("network");
    Job parsed = Job.parse(job.toString());
    BadInputException error =
        assertThrows(
            BadInputException.class,
            () -> parsed.checkNetwork(Network.parse(network.toString()), "/m.tflite"));
    assertEquals("/m.tflite", error.where());
  }
}
