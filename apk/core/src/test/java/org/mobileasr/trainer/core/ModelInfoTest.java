package org.mobileasr.trainer.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What a flatbuffer says of itself: format 1 by the preset, format 2 by its own names. */
final class ModelInfoTest {
  private static final Set<String> TINY_SIGNATURES =
      Set.of(
          "train_all", "reset_all", "train_ends", "reset_ends", "train_top-2.b", "reset_top-2.b");

  private static JsonObject tiny() {
    return Golden.read("networks").getAsJsonObject().getAsJsonArray("valid").get(0)
        .getAsJsonObject().getAsJsonObject("network");
  }

  private static Map<String, int[]> sizes(int format) {
    Map<String, int[]> values = new HashMap<>();
    for (String name :
        List.of(
            "batch_size", "max_frames", "max_label", "blank", "sample_rate", "window", "hop",
            "time_stride", "weights_included")) {
      values.put(name, new int[] {1});
    }
    values.put("format", new int[] {format});
    values.put("alphabet", new int[] {' ', 'a', 'b'});
    return values;
  }

  private static Map<String, int[]> named(String network) {
    Map<String, int[]> values = sizes(2);
    byte[] text = network.getBytes(StandardCharsets.UTF_8);
    int[] numbers = new int[text.length];
    for (int n = 0; n < text.length; n++) {
      numbers[n] = text[n] & 0xff;
    }
    values.put("network", numbers);
    values.put("layers", new int[] {40, 20, 2});
    values.put("sub_models", new int[] {62, 42, 2});
    return values;
  }

  private static Map<String, int[]> preset(int layers) {
    Map<String, int[]> values = sizes(1);
    int[] counts = new int[layers];
    int[] trained = new int[layers - 1];
    for (int n = 0; n < layers; n++) {
      counts[n] = 1;
      if (n < layers - 1) {
        trained[n] = layers - n;
      }
    }
    values.put("layers", counts);
    values.put("sub_models", trained);
    return values;
  }

  private static void refused(String message, Map<String, int[]> values, Set<String> signatures) {
    BadInputException error =
        assertThrows(BadInputException.class, () -> ModelInfo.of(values, signatures, "m.tflite"));
    assertEquals("m.tflite", error.where());
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  @Test
  void format2SaysItsNames() throws BadInputException {
    ModelInfo info = ModelInfo.of(named(tiny().toString()), TINY_SIGNATURES, "m.tflite");
    assertEquals("tiny", info.network.family);
    assertEquals(List.of("Front", "Head"), info.network.subModel("Ends").layers);
  }

  @Test
  void format1IsDeepSpeech2WithWhatTheFileCanTrain() throws BadInputException {
    ModelInfo info = ModelInfo.of(preset(9), Set.of("train_s5", "train_s8"), "m.tflite");
    assertEquals(List.of("S5", "S8"), List.copyOf(info.network.subModels.keySet()));
    assertEquals(List.of("FC1", "FC2"), info.network.subModel("S8").layers);
  }

  @Test
  void whatContradictsItselfIsBadInput() {
    refused("does not say format", without("format"), TINY_SIGNATURES);
    refused("format 3", with("format", 3), TINY_SIGNATURES);
    refused("18 layers", preset(18), Set.of("train_s1"));
    refused("no signature that trains", preset(9), Set.of());
    refused("does not say network", without("network"), TINY_SIGNATURES);
    refused("cannot be right", named("{\"family\": \"ti"), TINY_SIGNATURES);
    refused("other layers", with("layers", 40, 20, 3), TINY_SIGNATURES);
    refused("other sub-models", with("sub_models", 62, 42), TINY_SIGNATURES);
    refused("another alphabet", with("alphabet", 'a', 'b'), TINY_SIGNATURES);
    refused(
        "there is no signature reset_all", named(tiny().toString()),
        Set.of("train_all", "train_ends", "reset_ends", "train_top-2.b", "reset_top-2.b"));
  }

  private static Map<String, int[]> with(String name, int... numbers) {
    Map<String, int[]> values = named(tiny().toString());
    values.put(name, numbers);
    return values;
  }

  private static Map<String, int[]> without(String name) {
    Map<String, int[]> values = named(tiny().toString());
    values.remove(name);
    return values;
  }

  @Test
  void aJobIsForTheNetworkThatHasItsSubModels() throws BadInputException {
    Network network = Network.parse(tiny().toString());
    for (JsonObject given : GoldenTest.validJobs().toList()) {
      Job job = Job.parse(given.get("job").toString());
      if ("another network".equals(given.get("name").getAsString())) {
        job.checkNetwork(network, "m.tflite");
      } else {
        BadInputException error =
            assertThrows(BadInputException.class, () -> job.checkNetwork(network, "m.tflite"));
        String message = job.version == 1 ? "version 1 is for deepspeech2" : "no sub-model 'S";
        assertTrue(error.getMessage().contains(message), error.getMessage());
      }
    }
  }
}
