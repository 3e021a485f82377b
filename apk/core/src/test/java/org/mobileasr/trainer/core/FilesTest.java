package org.mobileasr.trainer.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Recordings and checkpoints; that NumPy reads the latter is tested from Python. */
final class FilesTest {
  @TempDir Path folder;

  private static byte[] wav(int channels, int rate, int bits, byte[] data, boolean odd) {
    byte[] note = odd ? new byte[] {'n', 'o', 't', 'e', 3, 0, 0, 0, 1, 2, 3, 0} : new byte[0];
    ByteBuffer file =
        ByteBuffer.allocate(44 + note.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    file.put("RIFF".getBytes(StandardCharsets.US_ASCII)).putInt(36 + note.length + data.length);
    file.put("WAVE".getBytes(StandardCharsets.US_ASCII)).put(note);
    file.put("fmt ".getBytes(StandardCharsets.US_ASCII)).putInt(16).putShort((short) 1);
    file.putShort((short) channels).putInt(rate).putInt(rate * channels * bits / 8);
    file.putShort((short) (channels * bits / 8)).putShort((short) bits);
    file.put("data".getBytes(StandardCharsets.US_ASCII)).putInt(data.length).put(data);
    return file.array();
  }

  private File file(byte[] content) throws IOException {
    return Files.write(folder.resolve("1.wav"), content).toFile();
  }

  @Test
  void samplesAreRead() throws Exception {
    byte[] data = {1, 0, -1, -1, 0, -128};
    for (boolean odd : new boolean[] {false, true}) {
      short[] samples = Wav.read(file(wav(1, 16_000, 16, data, odd)), 16_000);
      assertArrayEquals(new short[] {1, -1, -32768}, samples);
    }
  }

  @Test
  void otherSoundsAreRefused() throws Exception {
    byte[] data = {1, 0, 2, 0};
    byte[][] wrong = {
      wav(2, 16_000, 16, data, false),
      wav(1, 8_000, 16, data, false),
      wav(1, 16_000, 8, data, false),
      new byte[0],
      "RIFF    WAVE".getBytes(StandardCharsets.US_ASCII),
      "no sound at all".getBytes(StandardCharsets.US_ASCII),
    };
    for (byte[] content : wrong) {
      File path = file(content);
      BadInputException error =
          assertThrows(BadInputException.class, () -> Wav.read(path, 16_000));
      assertEquals(path.getPath(), error.where());
    }
    byte[] whole = wav(1, 16_000, 16, data, false);
    for (int length = 0; length < whole.length; length++) {
      File path = file(java.util.Arrays.copyOf(whole, length));
      assertThrows(BadInputException.class, () -> Wav.read(path, 16_000));
    }
  }

  @Test
  void aCheckpointComesBack() throws Exception {
    Random random = new Random(1);
    Map<String, Tensor> arrays = new LinkedHashMap<>();
    for (int[] shape : new int[][] {{}, {3}, {2, 3}, {2, 1, 40_000}, {0}}) {
      float[] values = new float[Tensor.size(shape)];
      for (int n = 0; n < values.length; n++) {
        values[n] = random.nextFloat();
      }
      arrays.put("w" + shape.length + values.length, new Tensor(shape, values));
    }
    File path = folder.resolve("w.npz").toFile();
    Npz.write(path, arrays);
    Map<String, Tensor> found = Npz.read(path);
    assertEquals(arrays.keySet(), found.keySet());
    for (String name : arrays.keySet()) {
      assertArrayEquals(arrays.get(name).shape, found.get(name).shape);
      assertArrayEquals(arrays.get(name).values, found.get(name).values);
    }
  }

  @Test
  void brokenCheckpointsAreRefused() throws Exception {
    File path = folder.resolve("w.npz").toFile();
    Npz.write(path, Map.of("a", new Tensor(new int[] {50}, new float[50])));
    byte[] whole = Files.readAllBytes(path.toPath());
    for (int length = 0; length < whole.length; length += 7) {
      Files.write(path.toPath(), java.util.Arrays.copyOf(whole, length));
      assertThrows(BadInputException.class, () -> Npz.read(path));
    }
  }

  static Stream<JsonObject> taken() {
    return checkpoints("taken");
  }

  static Stream<JsonObject> refused() {
    return checkpoints("refused");
  }

  private static Stream<JsonObject> checkpoints(String kind) {
    return Golden.read("checkpoints").getAsJsonObject().getAsJsonArray(kind).asList().stream()
        .map(JsonElement::getAsJsonObject);
  }

  private File checkpoint(JsonObject given) throws IOException {
    byte[] content = Base64.getDecoder().decode(given.get("content").getAsString());
    return Files.write(folder.resolve("w.npz"), content).toFile();
  }

  @ParameterizedTest
  @MethodSource("taken")
  void aCheckpointIsTaken(JsonObject given) throws Exception {
    Tensor weight = Npz.read(checkpoint(given)).get("w");
    Gson gson = new Gson();
    assertArrayEquals(gson.fromJson(given.get("shape"), int[].class), weight.shape);
    assertArrayEquals(gson.fromJson(given.get("weights"), float[].class), weight.values);
  }

  @ParameterizedTest
  @MethodSource("refused")
  void aCheckpointIsRefused(JsonObject given) throws Exception {
    File path = checkpoint(given);
    BadInputException error = assertThrows(BadInputException.class, () -> Npz.read(path));
    assertEquals(path.getPath(), error.where());
  }

  @Test
  void onlyWantedCheckpointsStay() throws Exception {
    Checkpoints checkpoints = new Checkpoints(folder.resolve("checkpoints").toFile());
    Map<String, Tensor> weights = Map.of("a", new Tensor(new int[] {1}, new float[] {1}));
    for (int epoch = 1; epoch <= 3; epoch++) {
      checkpoints.write(checkpoints.path(epoch), weights, Map.of());
    }
    checkpoints.prune(Set.of(1, 3));
    assertTrue(checkpoints.path(1).exists());
    assertFalse(checkpoints.path(2).exists());
    assertTrue(checkpoints.path(3).exists());
  }

  @Test
  void aFileIsKnownByItsHash() throws Exception {
    File path = file("abc".getBytes(StandardCharsets.US_ASCII));
    String sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    Checkpoints.check(path, sha256);
    try (RandomAccessFile more = new RandomAccessFile(path, "rw")) {
      more.seek(3);
      more.write('d');
    }
    assertThrows(BadInputException.class, () -> Checkpoints.check(path, sha256));
    assertThrows(
        BadInputException.class, () -> Checkpoints.check(new File(path + "x"), sha256));
  }
}
