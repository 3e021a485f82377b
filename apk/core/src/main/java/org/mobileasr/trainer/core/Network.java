package org.mobileasr.trainer.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** What a flatbuffer says of its network: layers, sub-models, alphabet. */
public final class Network {
  /** Of a layer, a sub-model or an exit; safe in a file name and in a signature's name. */
  static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9_.-]{0,31}");

  static final String A_NAME = "a name";

  public final String family;

  /** Trainable numbers by layer, from input to output. */
  public final Map<String, Long> layers;

  /** The layers that each sub-model trains; from the largest sub-model to the smallest. */
  public final Map<String, List<String>> subModels;

  /** Characters in the order of the outputs, the blank left out. */
  public final String alphabet;

  private Network(
      String family,
      Map<String, Long> layers,
      Map<String, List<String>> subModels,
      String alphabet) {
    this.family = family;
    this.layers = Collections.unmodifiableMap(layers);
    this.subModels = Collections.unmodifiableMap(subModels);
    this.alphabet = alphabet;
  }

  /**
   * Reads the JSON of a file of format 2.
   *
   * @throws BadInputException it is something else, or contradicts itself
   */
  public static Network parse(String json) throws BadInputException {
    Fields fields = Fields.parse(json);
    fields.known("exits", "optimiser");
    Map<String, Long> layers = new LinkedHashMap<String, Long>();
    for (Fields layer : fields.objects("layers")) {
      String name = layer.text("name", NAME, A_NAME);
      layers.put(name, layer.integer("parameters", 0, Long.MAX_VALUE));
      layer.end();
    }
    distinct(fields, "layers", layers.keySet(), fields.objects("layers").size());
    Map<String, List<String>> subModels = new LinkedHashMap<String, List<String>>();
    for (Fields subModel : fields.objects("sub_models")) {
      List<String> trained = subModel.texts("layers", NAME, A_NAME);
      if (!inOrder(new ArrayList<String>(layers.keySet()), trained)) {
        throw subModel.wrong("layers", "not layers of the network in their order");
      }
      subModels.put(subModel.text("name", NAME, A_NAME), trained);
      subModel.end();
    }
    distinct(fields, "sub_models", subModels.keySet(), fields.objects("sub_models").size());
    if (fields.has("exits")) {
      checkExits(fields, layers.size());
    }
    if (fields.has("optimiser")) {
      fields.text("optimiser", NAME, A_NAME);
    }
    Network network =
        new Network(
            fields.text("family", NAME, A_NAME), layers, subModels, fields.text("alphabet"));
    fields.end();
    return network;
  }

  /**
   * DeepSpeech2, for a file of format 1.
   *
   * @param counts trainable numbers of its layers
   * @param able names of the sub-models that the file can train
   */
  static Network deepSpeech2(long[] counts, String alphabet, Set<String> able) {
    Map<String, Long> layers = new LinkedHashMap<String, Long>();
    for (int n = 0; n < counts.length; n++) {
      layers.put(MobileAsr.LAYERS.get(n), counts[n]);
    }
    Map<String, List<String>> subModels = new LinkedHashMap<String, List<String>>();
    for (int n = 0; n < MobileAsr.SUB_MODELS.size(); n++) {
      String name = MobileAsr.SUB_MODELS.get(n);
      if (able.contains(name)) {
        subModels.put(name, MobileAsr.LAYERS.subList(n, MobileAsr.LAYERS.size()));
      }
    }
    return new Network(MobileAsr.FAMILY, layers, subModels, alphabet);
  }

  /**
   * The layers that a sub-model trains.
   *
   * @throws BadInputException there is none of that name
   */
  public List<String> trainedLayers(String subModel) throws BadInputException {
    List<String> trained = subModels.get(subModel);
    if (trained == null) {
      throw new BadInputException(
          "the network", "no sub-model '" + subModel + "'; there are " + subModels.keySet());
    }
    return trained;
  }

  /**
   * How many numbers a sub-model trains.
   *
   * @throws BadInputException there is none of that name
   */
  public long trainedParameters(String subModel) throws BadInputException {
    long sum = 0;
    for (String layer : trainedLayers(subModel)) {
      sum += layers.get(layer);
    }
    return sum;
  }

  /** Names become signatures in lower case, so they must differ there. */
  private static void distinct(Fields fields, String name, Set<String> names, int count)
      throws BadInputException {
    Set<String> lower = new HashSet<String>();
    for (String each : names) {
      lower.add(each.toLowerCase(Locale.ROOT));
    }
    if (lower.size() < count) {
      throw fields.wrong(name, "two have one name");
    }
  }

  private static boolean inOrder(List<String> layers, List<String> trained) {
    int last = -1;
    for (String layer : trained) {
      int place = layers.indexOf(layer);
      if (place <= last) {
        return false;
      }
      last = place;
    }
    return true;
  }

  private static void checkExits(Fields fields, int layers) throws BadInputException {
    List<Fields> exits = fields.objectsOrNone("exits");
    Set<String> names = new HashSet<String>();
    long last = 0;
    for (Fields exit : exits) {
      names.add(exit.text("name", NAME, A_NAME));
      long depth = exit.integer("depth", 1, layers);
      if (depth <= last) {
        throw exit.wrong("depth", "not in order");
      }
      last = depth;
      exit.end();
    }
    distinct(fields, "exits", names, exits.size());
  }
}
