package org.mobileasr.trainer.core;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** The vectors that the Python reference has written. */
final class Golden {
  private Golden() {}

  static JsonElement read(String name) {
    Path path = Path.of(System.getProperty("golden.folder"), name + ".json");
    try {
      return JsonParser.parseString(Files.readString(path));
    } catch (IOException e) {
      throw new IllegalStateException("no golden vectors: " + path, e);
    }
  }

  /** Returns the objects of a list. */
  static Stream<JsonObject> cases(JsonElement list) {
    return StreamSupport.stream(list.getAsJsonArray().spliterator(), false)
        .map(JsonElement::getAsJsonObject);
  }
}
