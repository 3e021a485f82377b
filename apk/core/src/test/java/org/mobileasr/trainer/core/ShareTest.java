package org.mobileasr.trainer.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.File;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Jobs of federated training against the vectors of the Python reference. */
final class ShareTest {
  private static final Gson GSON = new Gson();

  private static Stream<JsonObject> jobs(String kind) {
    JsonObject jobs = Golden.read("sharing").getAsJsonObject().getAsJsonObject("jobs");
    return Golden.cases(jobs.getAsJsonArray(kind));
  }

  static Stream<JsonObject> validJobs() {
    return jobs("valid");
  }

  @ParameterizedTest
  @MethodSource("validJobs")
  void jobs(JsonObject given) throws BadInputException {
    Job job = Job.parse(given.toString());
    JsonObject asked = given.getAsJsonObject("share");
    JsonObject means = JobText.of(job).getAsJsonObject("share");
    for (String name : asked.keySet()) {
      JsonElement meant = means.get(name);
      if (name.equals("wire")) {
        meant = meant.deepCopy();
        meant.getAsJsonObject().keySet().retainAll(asked.getAsJsonObject(name).keySet());
      }
      assertEquals(asked.get(name), meant);
    }
    assertEquals(JobText.of(job), JobText.of(Job.parse(JobText.of(job).toString())));
  }

  static Stream<JsonObject> invalidJobs() {
    return jobs("invalid");
  }

  @ParameterizedTest
  @MethodSource("invalidJobs")
  void jobsToRefuse(JsonObject given) {
    BadInputException error =
        assertThrows(BadInputException.class, () -> Job.parse(given.toString()));
    assertEquals("share", error.where().split("\\.")[0]);
  }

  static Stream<JsonObject> events() {
    return Golden.cases(Golden.read("sharing").getAsJsonObject().getAsJsonArray("events"));
  }

  @ParameterizedTest
  @MethodSource("events")
  void events(JsonObject given) throws BadInputException {
    assertEquals(given, JsonParser.parseString(Event.parse(given.toString()).toString()));
    for (String name : given.keySet()) {
      JsonObject less = given.deepCopy();
      less.remove(name);
      // without errors, what was heard is told; what wrote nothing smaller says nothing of it
      if (!name.equals("errors") && !name.equals("written")) {
        assertThrows(BadInputException.class, () -> Event.parse(less.toString()), name);
      }
    }
  }

  static Stream<JsonObject> updates() {
    return Golden.cases(Golden.read("sharing").getAsJsonObject().getAsJsonArray("updates"));
  }

  @ParameterizedTest
  @MethodSource("updates")
  void updates(JsonObject given) {
    Tensor start = tensor(given, "start");
    Tensor after = tensor(given, "after");
    float[] delta = Share.difference(after, start).values;
    assertArrayEquals(tensor(given, "delta").values, delta);
    float[] pulled = Share.pulledBack(after, start, given.get("amount").getAsDouble()).values;
    assertArrayEquals(tensor(given, "pulled_back").values, pulled);
  }

  static Stream<JsonObject> written() {
    return Golden.cases(Golden.read("sharing").getAsJsonObject().getAsJsonArray("written"));
  }

  @ParameterizedTest
  @MethodSource("written")
  void writtenSmall(JsonObject given, @TempDir File folder) throws Exception {
    File kept = new File(folder, "kept.npz");
    File start = new File(folder, "start.npz");
    Npz.write(kept, model(given, "after"));
    Npz.write(start, model(given, "start"));
    JsonObject job = validJobs().findFirst().orElseThrow().deepCopy();
    job.add("share", given.get("share"));
    List<String> names = List.of(GSON.fromJson(given.get("names"), String[].class));
    Share share = Job.parse(job.toString()).share;
    Packing update = Update.of(share, names, kept, start);
    Map<String, Object> told = update.told(Update.reads(share, start));

    JsonObject packed = given.getAsJsonObject("packed");
    assertEquals(packed.keySet(), update.small.keySet());
    for (String name : packed.keySet()) {
      String data = HexFormat.of().formatHex(update.small.get(name).data);
      assertEquals(packed.get(name).getAsString(), data);
    }
    JsonElement written = given.get("written");
    if (written.isJsonNull()) {
      assertNull(told);
    } else {
      JsonObject wanted = written.getAsJsonObject();
      assertEquals(wanted.get("coding").getAsString(), told.get("coding"));
      assertEquals(wanted.get("variables").getAsInt(), told.get("variables"));
      assertEquals(wanted.get("float32_bytes").getAsLong(), told.get("float32_bytes"));
      assertEquals(wanted.get("error").getAsDouble(), (double) told.get("error"), 1e-9);
      JsonElement changed = wanted.get("changed");
      assertEquals(
          changed.isJsonNull() ? null : changed.getAsDouble(), told.get("changed"));
    }

    File path = new File(folder, "update.npz");
    Npz.write(path, update.arrays, update.small);
    Map<String, Tensor> read = Npz.read(path);
    assertEquals(given.getAsJsonObject("values").keySet(), read.keySet());
    for (String name : read.keySet()) {
      float[] wanted = floats(given.getAsJsonObject("values").get(name).getAsString());
      assertArrayEquals(wanted, read.get(name).values, name);
    }
  }

  private static Map<String, Tensor> model(JsonObject given, String name) {
    Map<String, Tensor> model = new LinkedHashMap<>();
    for (Map.Entry<String, JsonElement> shape : given.getAsJsonObject("shapes").entrySet()) {
      String values = given.getAsJsonObject(name).get(shape.getKey()).getAsString();
      model.put(
          shape.getKey(), new Tensor(GSON.fromJson(shape.getValue(), int[].class), floats(values)));
    }
    return model;
  }

  private static float[] floats(String hex) {
    byte[] bytes = HexFormat.of().parseHex(hex);
    float[] values = new float[bytes.length / 4];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  private static Tensor tensor(JsonObject given, String name) {
    float[] values = GSON.fromJson(given.get(name), float[].class);
    return new Tensor(new int[] {values.length}, values);
  }
}
