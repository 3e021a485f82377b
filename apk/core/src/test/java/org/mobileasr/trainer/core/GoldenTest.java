package org.mobileasr.trainer.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.reflect.TypeToken;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Decisions, decoding and scoring against the vectors of the Python reference. */
final class GoldenTest {
  private static final Gson GSON = new Gson();

  private static Stream<JsonObject> cases(String name) {
    return Golden.read(name).getAsJsonArray().asList().stream().map(JsonElement::getAsJsonObject);
  }

  static Stream<JsonObject> selection() {
    return cases("selection");
  }

  @ParameterizedTest
  @MethodSource("selection")
  void selection(JsonObject given) {
    Map<String, Double> needs =
        GSON.fromJson(given.get("need_mb"), new TypeToken<Map<String, Double>>() {}.getType());
    List<String> candidates =
        GSON.fromJson(given.get("candidates"), new TypeToken<List<String>>() {}.getType());
    String chosen =
        Policies.selectSubModel(given.get("available_mb").getAsDouble(), needs, candidates);
    assertEquals(textOrNull(given, "sub_model"), chosen);
  }

  static Stream<JsonObject> resources() {
    return cases("resources");
  }

  @ParameterizedTest
  @MethodSource("resources")
  void resources(JsonObject given) {
    String reason =
        Policies.resourcesAllow(
            numberOrNull(given, "battery_percent"),
            numberOrNull(given, "available_mb"),
            given.get("battery_below_percent").getAsDouble(),
            given.get("available_below_mb").getAsDouble());
    assertEquals(textOrNull(given, "reason"), reason);
  }

  static Stream<JsonObject> stopping() {
    return cases("stopping");
  }

  @ParameterizedTest
  @MethodSource("stopping")
  void stopping(JsonObject given) {
    Patience state =
        Patience.start(
            given.get("policy").getAsString(),
            given.get("patience").getAsInt(),
            given.get("baseline_wer_percent").getAsDouble());
    List<Integer> counts = new ArrayList<>();
    for (JsonElement wer : given.getAsJsonArray("wer_percent")) {
      if (state.stop) {
        break;
      }
      state = state.after(wer.getAsDouble());
      counts.add(state.count);
    }
    assertEquals(
        GSON.fromJson(given.get("counts"), new TypeToken<List<Integer>>() {}.getType()), counts);
    Double stopped = numberOrNull(given, "stop_epoch");
    assertEquals(stopped, state.stop ? Double.valueOf(counts.size()) : null);
  }

  static Stream<JsonObject> keeping() {
    return cases("keeping");
  }

  @ParameterizedTest
  @MethodSource("keeping")
  void keeping(JsonObject given) {
    History history = new History(new ArrayList<Event>(), given.get("keep").getAsString());
    int epoch = 0;
    for (JsonElement wer : given.getAsJsonArray("wer_percent")) {
      history.add(epoch++, wer.getAsDouble());
    }
    assertEquals(given.get("kept_epoch").getAsInt(), history.kept());
  }

  static Stream<JsonObject> validNetworks() {
    return Golden.read("networks").getAsJsonObject().getAsJsonArray("valid").asList().stream()
        .map(JsonElement::getAsJsonObject);
  }

  @ParameterizedTest
  @MethodSource("validNetworks")
  void networks(JsonObject given) throws BadInputException {
    Network network = Network.parse(given.get("network").toString());
    assertEquals(given.getAsJsonObject("network").get("family").getAsString(), network.family);
    assertEquals(
        GSON.fromJson(given.get("sub_models"), new TypeToken<List<String>>() {}.getType()),
        new ArrayList<>(network.subModels.keySet()));
    for (String name : List.of("trunk", "exits")) {
      assertEquals(
          GSON.fromJson(given.get(name), new TypeToken<List<String>>() {}.getType()),
          name.equals("trunk") ? network.trunk() : new ArrayList<>(network.exits.keySet()));
    }
    for (String name : network.subModels.keySet()) {
      assertEquals(
          given.getAsJsonObject("trained").get(name).getAsLong(), network.trainedParameters(name));
    }
    assertThrows(BadInputException.class, () -> network.subModel("S9"));
  }

  static Stream<String> invalidNetworks() {
    return Golden.read("networks").getAsJsonObject().getAsJsonArray("invalid").asList().stream()
        .map(JsonElement::getAsString);
  }

  @ParameterizedTest
  @MethodSource("invalidNetworks")
  void networksToRefuse(String text) {
    assertThrows(BadInputException.class, () -> Network.parse(text));
  }

  static Stream<JsonObject> decoding() {
    return cases("decoding");
  }

  @ParameterizedTest
  @MethodSource("decoding")
  void decoding(JsonObject given) {
    float[][] logits = GSON.fromJson(given.get("logits"), float[][].class);
    String alphabet = given.get("alphabet").getAsString();
    Targets targets = new Targets(alphabet, given.get("blank").getAsInt(), List.of());
    String text = GreedyDecoder.decode(logits, targets);
    assertEquals(given.get("text").getAsString(), text);
  }

  private static Stream<JsonObject> pieces(String name) {
    return Golden.read("pieces").getAsJsonObject().getAsJsonArray(name).asList().stream()
        .map(JsonElement::getAsJsonObject);
  }

  private static Targets targets(JsonObject given) {
    int blank = given.has("blank") ? given.get("blank").getAsInt() : 0;
    return new Targets(given.get("alphabet").getAsString(), blank, listed(given));
  }

  private static List<String> listed(JsonObject given) {
    return GSON.fromJson(given.get("pieces"), new TypeToken<List<String>>() {}.getType());
  }

  static Stream<JsonObject> written() {
    return pieces("written");
  }

  @ParameterizedTest
  @MethodSource("written")
  void textsAreTakenApart(JsonObject given) throws BadInputException {
    int[] labels = GSON.fromJson(given.get("labels"), int[].class);
    assertArrayEquals(labels, targets(given).labels(given.get("text").getAsString()));
  }

  static Stream<JsonObject> heard() {
    return Stream.concat(pieces("written"), pieces("heard"));
  }

  @ParameterizedTest
  @MethodSource("heard")
  void labelsArePutTogether(JsonObject given) {
    List<Integer> labels =
        GSON.fromJson(given.get("labels"), new TypeToken<List<Integer>>() {}.getType());
    assertEquals(given.get("text").getAsString(), targets(given).text(labels));
  }

  @Test
  void textsThatCannotBeWrittenAndNoLists() {
    pieces("not_written")
        .forEach(
            given ->
                assertThrows(
                    BadInputException.class,
                    () -> targets(given).labels(given.get("text").getAsString())));
    pieces("no_lists")
        .forEach(
            given ->
                assertNotNull(
                    Targets.problem(given.get("alphabet").getAsString(), listed(given))));
  }

  static Stream<JsonObject> scoring() {
    return cases("scoring");
  }

  @ParameterizedTest
  @MethodSource("scoring")
  void scoring(JsonObject given) throws BadInputException {
    WordErrors found =
        WordErrors.between(
            given.get("reference").getAsString(), given.get("hypothesis").getAsString());
    assertEquals(given.get("errors").getAsInt(), found.errors());
    assertEquals(given.get("substitutions").getAsInt(), found.substitutions);
    assertEquals(given.get("deletions").getAsInt(), found.deletions);
    assertEquals(given.get("insertions").getAsInt(), found.insertions);
    assertEquals(given.get("reference_words").getAsInt(), found.referenceWords);
    if (given.get("wer_percent").isJsonNull()) {
      assertThrows(BadInputException.class, found::werPercent);
    } else {
      assertEquals(given.get("wer_percent").getAsDouble(), found.werPercent());
    }
  }

  static Stream<JsonObject> batches() {
    return cases("batches");
  }

  @ParameterizedTest
  @MethodSource("batches")
  void batches(JsonObject given) {
    List<List<Integer>> batches =
        EpochBatches.of(
            given.get("seed").getAsLong(),
            given.get("epoch").getAsInt(),
            GSON.fromJson(given.get("lengths"), int[].class),
            given.get("batch_size").getAsInt());
    assertEquals(
        GSON.fromJson(given.get("batches"), new TypeToken<List<List<Integer>>>() {}.getType()),
        batches);
  }

  @Test
  void errorsOfSeveralUtterancesAddUp() throws BadInputException {
    WordErrors sum =
        WordErrors.none()
            .plus(WordErrors.between("the boy", "the dog"))
            .plus(WordErrors.between("the boy saw it", "the boy saw it"));
    assertEquals(100.0 / 6, sum.werPercent(), 1e-12);
  }

  @Test
  void logitsOfAnotherAlphabetAreRefused() {
    assertThrows(
        IllegalArgumentException.class,
        () -> GreedyDecoder.decode(new float[][] {{1f, 2f}}, new Targets("abc", 0, List.of())));
  }

  static Stream<JsonObject> validJobs() {
    return Golden.read("jobs").getAsJsonObject().getAsJsonArray("valid").asList().stream()
        .map(JsonElement::getAsJsonObject);
  }

  @ParameterizedTest
  @MethodSource("validJobs")
  void jobs(JsonObject given) throws BadInputException {
    Job job = Job.parse(given.get("job").toString());
    JsonObject means = given.getAsJsonObject("means");
    assertEquals(means, JobText.of(job));
    assertEquals(means, JobText.of(Job.parse(means.toString())));
  }

  static Stream<JsonObject> invalidJobs() {
    return Golden.read("jobs").getAsJsonObject().getAsJsonArray("invalid").asList().stream()
        .map(JsonElement::getAsJsonObject);
  }

  @ParameterizedTest
  @MethodSource("invalidJobs")
  void jobsToRefuse(JsonObject given) {
    BadInputException error =
        assertThrows(BadInputException.class, () -> Job.parse(given.get("job").toString()));
    assertEquals(given.get("field").getAsString(), error.where());
    assertTrue(error.getMessage().startsWith(error.where() + ": "));
  }

  private static Double numberOrNull(JsonObject object, String name) {
    return object.get(name).isJsonNull() ? null : object.get(name).getAsDouble();
  }

  private static String textOrNull(JsonObject object, String name) {
    return object.get(name).isJsonNull() ? null : object.get(name).getAsString();
  }
}
