package org.mobileasr.trainer.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Events against the vectors of the Python reference. */
final class EventTest {
  static Stream<JsonObject> valid() {
    return Golden.read("events").getAsJsonObject().getAsJsonArray("valid").asList().stream()
        .map(JsonElement::getAsJsonObject);
  }

  static Stream<String> invalid() {
    return Golden.read("events").getAsJsonObject().getAsJsonArray("invalid").asList().stream()
        .map(JsonElement::getAsString);
  }

  @ParameterizedTest
  @MethodSource("valid")
  void readsAndWrites(JsonObject given) throws BadInputException {
    Event event = Event.parse(given.toString());
    assertEquals(given, JsonParser.parseString(event.toString()));
    assertEquals(given.get("seq").getAsInt(), event.seq());
    assertEquals(given.get("type").getAsString(), event.type());
  }

  @ParameterizedTest
  @MethodSource("valid")
  void refusesASurprise(JsonObject given) {
    JsonObject more = given.deepCopy();
    more.addProperty("surprise", 1);
    BadInputException error =
        assertThrows(BadInputException.class, () -> Event.parse(more.toString()));
    assertEquals("surprise", error.where());
  }

  @ParameterizedTest
  @MethodSource("invalid")
  void refuses(String line) {
    assertThrows(BadInputException.class, () -> Event.parse(line));
  }
}
