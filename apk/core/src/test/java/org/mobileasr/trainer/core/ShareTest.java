package org.mobileasr.trainer.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Jobs of federated training against the vectors of the Python reference. */
final class ShareTest {
  private static final Gson GSON = new Gson();

  private static Stream<JsonObject> all(JsonArray array) {
    return array.asList().stream().map(JsonElement::getAsJsonObject);
  }

  private static Stream<JsonObject> jobs(String kind) {
    JsonObject jobs = Golden.read("sharing").getAsJsonObject().getAsJsonObject("jobs");
    return all(jobs.getAsJsonArray(kind));
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
      assertEquals(asked.get(name), means.get(name));
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
    return all(Golden.read("sharing").getAsJsonObject().getAsJsonArray("events"));
  }

  @ParameterizedTest
  @MethodSource("events")
  void events(JsonObject given) throws BadInputException {
    assertEquals(given, JsonParser.parseString(Event.parse(given.toString()).toString()));
    for (String name : given.keySet()) {
      JsonObject less = given.deepCopy();
      less.remove(name);
      if (!name.equals("errors")) { // without it, what was heard is told
        assertThrows(BadInputException.class, () -> Event.parse(less.toString()), name);
      }
    }
  }

  static Stream<JsonObject> updates() {
    return all(Golden.read("sharing").getAsJsonObject().getAsJsonArray("updates"));
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

  private static Tensor tensor(JsonObject given, String name) {
    float[] values = GSON.fromJson(given.get(name), float[].class);
    return new Tensor(new int[] {values.length}, values);
  }
}
