package org.mobileasr.trainer.core;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.StringReader;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The fields of one JSON object, read strictly: a wrong type, a missing or an unknown field is an
 * error that names the field by its path.
 */
final class Fields {
  private final JsonObject object;
  private final String path;
  private final Set<String> taken = new HashSet<String>();

  private Fields(JsonObject object, String path) {
    this.object = object;
    this.path = path;
  }

  /**
   * Parses a text that must be one JSON object and nothing else.
   *
   * @throws BadInputException it is not JSON, or no object
   */
  static Fields parse(String text) throws BadInputException {
    try {
      JsonReader reader = new JsonReader(new StringReader(text));
      reader.setStrictness(Strictness.STRICT);
      JsonElement parsed = JsonParser.parseReader(reader);
      if (reader.peek() != JsonToken.END_DOCUMENT) {
        throw new BadInputException("the text", "something follows the JSON object");
      }
      return of(parsed, "");
    } catch (JsonParseException e) {
      throw new BadInputException("the text", "not JSON: " + e.getMessage());
    } catch (IOException e) {
      throw new BadInputException("the text", "not JSON: " + e.getMessage());
    }
  }

  private static Fields of(JsonElement element, String path) throws BadInputException {
    if (!element.isJsonObject()) {
      throw new BadInputException(path.isEmpty() ? "the text" : path, "not an object");
    }
    return new Fields(element.getAsJsonObject(), path);
  }

  /** Whether the field is there with a value. */
  boolean has(String name) {
    return object.has(name) && !object.get(name).isJsonNull();
  }

  Fields object(String name) throws BadInputException {
    return of(need(name), place(name));
  }

  /** An array of at least one object. */
  List<Fields> objects(String name) throws BadInputException {
    List<Fields> found = new ArrayList<Fields>();
    List<JsonElement> elements = array(name);
    for (int n = 0; n < elements.size(); n++) {
      found.add(of(elements.get(n), place(name) + "." + n));
    }
    return found;
  }

  /** An array of objects; it may be empty. */
  List<Fields> objectsOrNone(String name) throws BadInputException {
    JsonElement element = need(name);
    if (element.isJsonArray() && element.getAsJsonArray().isEmpty()) {
      return new ArrayList<Fields>();
    }
    return objects(name);
  }

  /** An object whose values are objects, by their keys. */
  Map<String, Fields> objectsByName(String name) throws BadInputException {
    Map<String, Fields> found = new LinkedHashMap<String, Fields>();
    Fields inner = object(name);
    for (Map.Entry<String, JsonElement> entry : inner.object.entrySet()) {
      found.put(entry.getKey(), of(entry.getValue(), place(name) + "." + entry.getKey()));
    }
    return found;
  }

  /** A list of whole numbers from 0 on; it may be empty. */
  int[] wholeNumbers(String name) throws BadInputException {
    JsonElement element = need(name);
    if (!element.isJsonArray()) {
      throw new BadInputException(place(name), "not a list");
    }
    int[] found = new int[element.getAsJsonArray().size()];
    for (int n = 0; n < found.length; n++) {
      double value = number(element.getAsJsonArray().get(n), place(name) + "." + n);
      if (value != Math.rint(value) || value < 0 || value > Integer.MAX_VALUE) {
        throw new BadInputException(place(name), "not whole numbers from 0 on");
      }
      found[n] = (int) value;
    }
    return found;
  }

  /** The field must be there, and null. */
  void needNull(String name) throws BadInputException {
    if (!need(name).isJsonNull()) {
      throw new BadInputException(place(name), "has a value of another kind");
    }
  }

  /** An array of at least one text of a kind. */
  List<String> texts(String name, Pattern pattern, String kind) throws BadInputException {
    List<String> found = new ArrayList<String>();
    List<JsonElement> elements = array(name);
    for (int n = 0; n < elements.size(); n++) {
      found.add(text(elements.get(n), place(name) + "." + n, pattern, kind));
    }
    return found;
  }

  /** An array of texts of a kind; it may be empty. */
  List<String> textsOrNone(String name, Pattern pattern, String kind) throws BadInputException {
    JsonElement element = need(name);
    if (element.isJsonArray() && element.getAsJsonArray().isEmpty()) {
      return new ArrayList<String>();
    }
    return texts(name, pattern, kind);
  }

  /** An object whose keys are texts of a kind and whose values are finite numbers. */
  Map<String, Double> numbers(String name, Pattern pattern, String kind)
      throws BadInputException {
    Map<String, Double> found = new LinkedHashMap<String, Double>();
    Fields inner = object(name);
    for (Map.Entry<String, JsonElement> entry : inner.object.entrySet()) {
      String where = place(name) + "." + entry.getKey();
      if (!pattern.matcher(entry.getKey()).matches()) {
        throw new BadInputException(where, "not " + kind);
      }
      found.put(entry.getKey(), number(entry.getValue(), where));
    }
    return found;
  }

  String text(String name) throws BadInputException {
    return text(need(name), place(name));
  }

  String text(String name, Pattern pattern, String kind) throws BadInputException {
    return text(need(name), place(name), pattern, kind);
  }

  String word(String name, String... allowed) throws BadInputException {
    return word(need(name), place(name), Arrays.asList(allowed));
  }

  String word(String name, List<String> allowed) throws BadInputException {
    return word(need(name), place(name), allowed);
  }

  boolean flag(String name) throws BadInputException {
    JsonElement element = need(name);
    if (!element.isJsonPrimitive() || !element.getAsJsonPrimitive().isBoolean()) {
      throw new BadInputException(place(name), "neither true nor false");
    }
    return element.getAsBoolean();
  }

  double number(String name) throws BadInputException {
    return number(need(name), place(name));
  }

  double number(String name, double least, double most) throws BadInputException {
    double value = number(name);
    if (!(least <= value && value <= most)) {
      throw new BadInputException(place(name), "not within " + least + " to " + most);
    }
    return value;
  }

  long integer(String name, long least, long most) throws BadInputException {
    JsonElement element = need(name);
    number(element, place(name));
    long value;
    try {
      value = new BigDecimal(element.getAsString()).longValueExact();
    } catch (ArithmeticException e) {
      throw new BadInputException(place(name), "not a whole number of this size");
    }
    if (value < least || value > most) {
      throw new BadInputException(place(name), "not within " + least + " to " + most);
    }
    return value;
  }

  /**
   * Ends the reading.
   *
   * @throws BadInputException there is a field that nobody asked for
   */
  void end() throws BadInputException {
    for (String name : object.keySet()) {
      if (!taken.contains(name)) {
        throw new BadInputException(place(name), "there is no such field");
      }
    }
  }

  BadInputException wrong(String name, String message) {
    return new BadInputException(name.isEmpty() ? path : place(name), message);
  }

  /** Marks a field as known, whether it is there or not. */
  Fields known(String... names) {
    taken.addAll(Arrays.asList(names));
    return this;
  }

  private String place(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  private JsonElement need(String name) throws BadInputException {
    taken.add(name);
    JsonElement element = object.get(name);
    if (element == null) {
      throw new BadInputException(place(name), "is missing");
    }
    return element;
  }

  private List<JsonElement> array(String name) throws BadInputException {
    JsonElement element = need(name);
    if (!element.isJsonArray()) {
      throw new BadInputException(place(name), "not a list");
    }
    JsonArray array = element.getAsJsonArray();
    if (array.isEmpty()) {
      throw new BadInputException(place(name), "is empty");
    }
    return array.asList();
  }

  private static String text(JsonElement element, String where) throws BadInputException {
    if (!element.isJsonPrimitive() || !element.getAsJsonPrimitive().isString()) {
      throw new BadInputException(where, "not a text");
    }
    return element.getAsString();
  }

  private static String text(JsonElement element, String where, Pattern pattern, String kind)
      throws BadInputException {
    String text = text(element, where);
    if (!pattern.matcher(text).matches()) {
      throw new BadInputException(where, "not " + kind);
    }
    return text;
  }

  private static String word(JsonElement element, String where, List<String> allowed)
      throws BadInputException {
    String word = text(element, where);
    if (!allowed.contains(word)) {
      throw new BadInputException(where, "not one of " + allowed);
    }
    return word;
  }

  private static double number(JsonElement element, String where) throws BadInputException {
    JsonPrimitive primitive = element.isJsonPrimitive() ? element.getAsJsonPrimitive() : null;
    if (primitive == null || !primitive.isNumber()) {
      throw new BadInputException(where, "not a number");
    }
    double value = primitive.getAsDouble();
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      throw new BadInputException(where, "not a finite number");
    }
    return value;
  }
}
