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

/** What a flatbuffer says of its network: layers, sub-models, exits, alphabet. */
public final class Network {
  /** Of a layer, a sub-model or an exit; safe in a file name and in a signature's name. */
  static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9_.-]{0,31}");

  static final String A_NAME = "a name";

  private static final Pattern ANY = Pattern.compile("(?s).*");

  public final String family;

  /** Trainable numbers by layer, from input to output. */
  public final Map<String, Long> layers;

  /** Of them, those that a sub-model of biases trains. */
  private final Map<String, Long> biases;

  /** By name, from the largest to the smallest. */
  public final Map<String, SubModel> subModels;

  /** By name, from the shallowest to the deepest; empty: only the last layer answers. */
  public final Map<String, Exit> exits;

  /** Characters in the order of the first outputs, the blank left out. */
  public final String alphabet;

  /** Pieces of words that the outputs after them mean; none: it writes characters. */
  public final List<String> pieces;

  private Network(
      String family,
      Map<String, Long> layers,
      Map<String, Long> biases,
      Map<String, SubModel> subModels,
      Map<String, Exit> exits,
      String alphabet,
      List<String> pieces) {
    this.family = family;
    this.layers = Collections.unmodifiableMap(layers);
    this.biases = Collections.unmodifiableMap(biases);
    this.subModels = Collections.unmodifiableMap(subModels);
    this.exits = Collections.unmodifiableMap(exits);
    this.alphabet = alphabet;
    this.pieces = Collections.unmodifiableList(pieces);
  }

  /**
   * Reads the JSON of a file of format 2.
   *
   * @throws BadInputException it is something else, or contradicts itself
   */
  public static Network parse(String json) throws BadInputException {
    Fields fields = Fields.parse(json);
    fields.known("exits", "optimiser", "pieces");
    Map<String, Long> layers = new LinkedHashMap<String, Long>();
    Map<String, Long> biases = new LinkedHashMap<String, Long>();
    for (Fields layer : fields.objects("layers")) {
      layer.known("biases");
      String name = layer.text("name", NAME, A_NAME);
      layers.put(name, layer.integer("parameters", 0, Long.MAX_VALUE));
      biases.put(name, layer.has("biases") ? layer.integer("biases", 0, layers.get(name)) : 0L);
      layer.end();
    }
    distinct(fields, "layers", layers.keySet(), fields.objects("layers").size());
    List<String> names = new ArrayList<String>(layers.keySet());
    Map<String, Exit> exits = new LinkedHashMap<String, Exit>();
    if (fields.has("exits")) {
      readExits(fields, names, exits);
    }
    Map<String, SubModel> subModels = new LinkedHashMap<String, SubModel>();
    for (Fields subModel : fields.objects("sub_models")) {
      String name = subModel.text("name", NAME, A_NAME);
      subModels.put(name, new SubModel(subModel, names, new ArrayList<String>(exits.keySet())));
    }
    distinct(fields, "sub_models", subModels.keySet(), fields.objects("sub_models").size());
    if (fields.has("optimiser")) {
      fields.text("optimiser", NAME, A_NAME);
    }
    String alphabet = fields.text("alphabet");
    List<String> pieces =
        fields.has("pieces")
            ? fields.textsOrNone("pieces", ANY, "a piece")
            : Collections.<String>emptyList();
    String wrong = Targets.problem(alphabet, pieces);
    if (wrong != null) {
      throw fields.wrong("pieces", wrong);
    }
    String family = fields.text("family", NAME, A_NAME);
    Network network = new Network(family, layers, biases, subModels, exits, alphabet, pieces);
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
    Map<String, SubModel> subModels = new LinkedHashMap<String, SubModel>();
    for (int n = 0; n < MobileAsr.SUB_MODELS.size(); n++) {
      String name = MobileAsr.SUB_MODELS.get(n);
      if (able.contains(name)) {
        subModels.put(
            name, new SubModel(MobileAsr.LAYERS.subList(n, MobileAsr.LAYERS.size())));
      }
    }
    return new Network(
        MobileAsr.FAMILY,
        layers,
        Collections.<String, Long>emptyMap(),
        subModels,
        Collections.<String, Exit>emptyMap(),
        alphabet,
        Collections.<String>emptyList());
  }

  /**
   * A sub-model.
   *
   * @throws BadInputException there is none of that name
   */
  public SubModel subModel(String name) throws BadInputException {
    SubModel subModel = subModels.get(name);
    if (subModel == null) {
      throw new BadInputException(
          "the network", "no sub-model '" + name + "'; there are " + subModels.keySet());
    }
    return subModel;
  }

  /** Whether each exit has an attention decoder. */
  public boolean writes() {
    for (Exit exit : exits.values()) {
      if (exit.decoder.isEmpty()) {
        return false;
      }
    }
    return !exits.isEmpty();
  }

  /** The layers that belong to no head and no decoder, from input to output. */
  public List<String> trunk() {
    List<String> trunk = new ArrayList<String>(layers.keySet());
    for (Exit exit : exits.values()) {
      trunk.removeAll(exit.head);
      trunk.removeAll(exit.decoder);
    }
    return trunk;
  }

  /**
   * How many numbers a sub-model trains.
   *
   * @throws BadInputException there is none of that name
   */
  public long trainedParameters(String subModel) throws BadInputException {
    SubModel trained = subModel(subModel);
    long sum = 0;
    for (String layer : trained.layers) {
      sum += (trained.biasesOnly ? biases : layers).get(layer);
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

  private static void readExits(Fields fields, List<String> layers, Map<String, Exit> exits)
      throws BadInputException {
    List<Fields> all = fields.objectsOrNone("exits");
    Set<String> heads = new HashSet<String>();
    Set<String> beside = new HashSet<String>();
    long last = 0;
    for (Fields each : all) {
      Exit exit = new Exit(each, layers);
      exits.put(each.text("name", NAME, A_NAME), exit);
      each.end();
      if (exit.depth <= last) {
        throw each.wrong("depth", "not in order");
      }
      last = exit.depth;
      for (String layer : exit.head) {
        if (!heads.add(layer)) {
          throw each.wrong("head", "two exits share a layer");
        }
      }
      beside.addAll(exit.head);
      beside.addAll(exit.decoder);
    }
    distinct(fields, "exits", exits.keySet(), all.size());
    if (!all.isEmpty() && last != layers.size() - beside.size()) {
      throw fields.wrong("exits", "the last is not that of the whole trunk");
    }
  }

  /** A part of the network that can be trained while the rest stays as it is. */
  public static final class SubModel {
    /** Which layers train, in the order of the network. */
    public final List<String> layers;

    /** Whose losses are added up; empty in a network without exits. */
    public final List<String> exits;

    /** Of its layers, only biases and the vectors of normalisations train. */
    public final boolean biasesOnly;

    /** What the signature {@code train} is given, or null: it has a signature of its own. */
    public final Switch how;

    private SubModel(List<String> layers) {
      this.layers = layers;
      exits = Collections.emptyList();
      biasesOnly = false;
      how = null;
    }

    private SubModel(Fields fields, List<String> layerNames, List<String> exitNames)
        throws BadInputException {
      fields.known("exits", "weights", "switch");
      layers = fields.texts("layers", NAME, A_NAME);
      if (!inOrder(layerNames, layers)) {
        throw fields.wrong("layers", "not layers of the network in their order");
      }
      exits =
          fields.has("exits")
              ? fields.textsOrNone("exits", NAME, A_NAME)
              : Collections.<String>emptyList();
      if (!inOrder(exitNames, exits) || exits.isEmpty() != exitNames.isEmpty()) {
        throw fields.wrong("exits", "not exits of the network in their order");
      }
      biasesOnly = fields.has("weights") && fields.word("weights", "all", "biases").equals("biases");
      how = fields.has("switch") ? new Switch(fields.object("switch"), exitNames.size()) : null;
      fields.end();
    }
  }

  /** What is given to the signature {@code train}; segments count from 1. */
  public static final class Switch {
    public final int first;
    public final int last;
    public final boolean headsOnly;

    private Switch(Fields fields, int segments) throws BadInputException {
      fields.known("heads_only");
      last = (int) fields.integer("last", 1, segments);
      first = (int) fields.integer("first", 1, last);
      headsOnly = fields.has("heads_only") && fields.flag("heads_only");
      fields.end();
    }
  }

  /** A place where an answer can be taken. */
  public static final class Exit {
    /** Layers that are computed for it, heads not counted. */
    public final int depth;

    /** Layers of its head; empty: the answer is the last layer's. */
    public final List<String> head;

    /** Layers of its attention decoder; empty: only its head answers. */
    public final List<String> decoder;

    private Exit(Fields fields, List<String> layers) throws BadInputException {
      fields.known("head", "decoder");
      depth = (int) fields.integer("depth", 1, layers.size());
      head = beside(fields, "head", layers);
      decoder = beside(fields, "decoder", layers);
    }

    private static List<String> beside(Fields fields, String name, List<String> layers)
        throws BadInputException {
      if (!fields.has(name)) {
        return Collections.<String>emptyList();
      }
      List<String> found = fields.textsOrNone(name, NAME, A_NAME);
      if (!inOrder(layers, found)) {
        throw fields.wrong(name, "not layers of the network in their order");
      }
      return found;
    }
  }
}
