package org.mobileasr.trainer.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Packed variables against the bytes of the Python reference. */
final class PackedTest {
  private static final Gson GSON = new Gson();

  private static Stream<JsonObject> cases(String kind) {
    JsonArray all = Golden.read("codec").getAsJsonObject().getAsJsonArray(kind);
    return all.asList().stream().map(JsonElement::getAsJsonObject);
  }

  private static Wire wire(JsonElement given) throws BadInputException {
    JsonObject share = new JsonObject();
    share.add("wire", given);
    return Wire.of(Fields.parse(share.toString()), "wire");
  }

  private static int[] shape(JsonObject given) {
    return GSON.fromJson(given.get("shape"), int[].class);
  }

  private static byte[] bytes(JsonObject given, String name) {
    return HexFormat.of().parseHex(given.get(name).getAsString());
  }

  private static int[] bits(byte[] bytes) {
    int[] bits = new int[bytes.length / 4];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(bits);
    return bits;
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int n = 0; n < bits.length; n++) {
      bits[n] = Float.floatToRawIntBits(values[n]);
    }
    return bits;
  }

  private static Tensor tensor(JsonObject given) {
    int[] bits = bits(bytes(given, "values"));
    float[] values = new float[bits.length];
    for (int n = 0; n < bits.length; n++) {
      values[n] = Float.intBitsToFloat(bits[n]);
    }
    return new Tensor(shape(given), values);
  }

  static Stream<JsonObject> packed() {
    return cases("packed");
  }

  @ParameterizedTest
  @MethodSource("packed")
  void packed(JsonObject given) throws BadInputException, CodecException {
    Packed packed =
        Packed.pack(tensor(given), wire(given.get("wire")), given.get("key").getAsString());
    assertArrayEquals(bytes(given, "data"), packed.data);
    Tensor value = new Packed(packed.coding, packed.shape, packed.data).value();
    assertArrayEquals(shape(given), value.shape);
    if (!given.get("decoded").isJsonNull()) {
      assertArrayEquals(bits(bytes(given, "decoded")), bits(value.values));
    }
  }

  static Stream<JsonObject> bad() {
    return cases("bad");
  }

  @ParameterizedTest
  @MethodSource("bad")
  void whatCannotBeRead(JsonObject given) {
    assertThrows(
        CodecException.class,
        () -> new Packed(given.get("coding").getAsString(), shape(given), bytes(given, "data"))
            .value());
  }

  @Test
  void numbersThatAreNone() throws BadInputException {
    for (String format : List.of("S1E2M3", "int8")) {
      JsonObject asked = new JsonObject();
      asked.addProperty("format", format);
      Wire wire = wire(asked);
      for (float odd : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
        Tensor value = new Tensor(new int[] {2}, new float[] {1, odd});
        assertThrows(CodecException.class, () -> Packed.pack(value, wire, ""));
      }
    }
  }

  static Stream<JsonObject> lots() {
    return cases("lots");
  }

  @ParameterizedTest
  @MethodSource("lots")
  void lots(JsonObject given) {
    Lots lots = new Lots(given.get("key").getAsString());
    long[] wanted = GSON.fromJson(given.get("lots"), long[].class);
    for (int n = 0; n < wanted.length; n++) {
      long place = given.get("begin").getAsLong() + n;
      assertEquals(wanted[n], lots.at((int) place) & 0xffffffffL);
    }
    assertEquals(given.get("seed").getAsInt(), Lots.seed(given.get("key").getAsString()));
  }

  static Stream<JsonObject> chosen() {
    return cases("chosen");
  }

  @ParameterizedTest
  @MethodSource("chosen")
  void chosen(JsonObject given) throws BadInputException {
    Map<String, int[]> shapes = new LinkedHashMap<>();
    for (Map.Entry<String, JsonElement> variable : given.getAsJsonObject("shapes").entrySet()) {
      shapes.put(variable.getKey(), GSON.fromJson(variable.getValue(), int[].class));
    }
    String[] wanted = GSON.fromJson(given.get("chosen"), String[].class);
    assertEquals(List.of(wanted), wire(given.get("wire")).chosen(shapes));
  }

  static Stream<JsonObject> wires() {
    return cases("wires");
  }

  @ParameterizedTest
  @MethodSource("wires")
  void wires(JsonObject given) throws BadInputException {
    Wire wire = wire(given.get("wire"));
    assertNotNull(wire);
    assertEquals(given.get("coding").getAsString(), wire.coding());
  }

  static Stream<JsonObject> badWires() {
    return cases("bad_wires");
  }

  @ParameterizedTest
  @MethodSource("badWires")
  void wiresToRefuse(JsonObject given) {
    assertThrows(BadInputException.class, () -> wire(given));
  }

  static Stream<JsonObject> kept() {
    return cases("kept");
  }

  @ParameterizedTest
  @MethodSource("kept")
  void keptUnits(JsonObject given) throws CodecException {
    int[] shape = shape(given);
    Units units = Units.valueOf(given.get("units").getAsString().toUpperCase(Locale.ROOT));
    int[] kept = GSON.fromJson(given.get("kept"), int[].class);
    float[] values = new float[Tensor.size(shape)];
    for (int n = 0; n < values.length; n++) {
      values[n] = n;
    }
    Tensor part = units.select(new Tensor(shape, values), kept);
    assertArrayEquals(GSON.fromJson(given.get("part_shape"), int[].class), part.shape);
    assertArrayEquals(GSON.fromJson(given.get("part"), float[].class), part.values);
    float[] before = new float[values.length];
    Arrays.fill(before, -1);
    Tensor whole = units.place(part, kept, new Tensor(shape, before));
    assertArrayEquals(GSON.fromJson(given.get("whole"), float[].class), whole.values);
    assertEquals(-1, before[0]);
    int count = shape[shape.length - (units == Units.COLUMNS ? 1 : 2)];
    assertArrayEquals(bytes(given, "mask"), Units.mask(kept, count));
    int[] ordered = kept.clone();
    Arrays.sort(ordered);
    assertArrayEquals(ordered, Units.masked(bytes(given, "mask"), count));
  }

  static Stream<JsonObject> badMasks() {
    return cases("bad_masks");
  }

  @ParameterizedTest
  @MethodSource("badMasks")
  void masksToRefuse(JsonObject given) {
    assertThrows(
        CodecException.class,
        () -> Units.masked(bytes(given, "mask"), given.get("units").getAsInt()));
  }

  @Test
  void unitsThatAreNone() {
    for (int[] kept : new int[][] {{3}, {-1}, {1, 1}}) {
      assertThrows(CodecException.class, () -> Units.mask(kept, 3));
    }
    Tensor part = new Tensor(new int[] {1, 2}, new float[2]);
    Tensor into = new Tensor(new int[] {2, 2}, new float[4]);
    assertThrows(CodecException.class, () -> Units.ROWS.place(part, new int[] {0, 1}, into));
  }
}
