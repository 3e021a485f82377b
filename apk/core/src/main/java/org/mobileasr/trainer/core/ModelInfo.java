package org.mobileasr.trainer.core;

import java.nio.charset.Charset;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** What is fixed in a flatbuffer; from its signature {@code info}, formats 1 and 2. */
public final class ModelInfo {
  private static final List<String> NAMES =
      Arrays.asList(
          "format", "batch_size", "max_frames", "max_label", "alphabet", "blank", "sample_rate",
          "window", "hop", "time_stride", "layers", "sub_models", "weights_included");

  /** The signature that trains all sub-models that have a switch. */
  static final String SWITCHED = "train";

  public final int batchSize;
  public final int maxFrames;
  public final int maxLabel;

  /** Characters in the order of the first outputs, the blank left out. */
  public final String alphabet;

  public final int blank;

  /** What the outputs mean. */
  public final Targets targets;

  public final int sampleRate;
  public final int window;
  public final int hop;

  /** Frames of features that an output frame stands for. */
  public final int timeStride;

  /** Names of layers and sub-models; of these only those that the file can train. */
  public final Network network;

  private ModelInfo(Map<String, int[]> values, String alphabet, Network network) {
    batchSize = values.get("batch_size")[0];
    maxFrames = values.get("max_frames")[0];
    maxLabel = values.get("max_label")[0];
    this.alphabet = alphabet;
    blank = values.get("blank")[0];
    targets = new Targets(alphabet, blank, network.pieces);
    sampleRate = values.get("sample_rate")[0];
    window = values.get("window")[0];
    hop = values.get("hop")[0];
    timeStride = values.get("time_stride")[0];
    this.network = network;
  }

  /**
   * Reads what {@code info} said.
   *
   * @param values its outputs
   * @param signatures names of all signatures of the file
   * @param path of the file, for messages
   * @throws BadInputException another format, or it contradicts itself
   */
  static ModelInfo of(Map<String, int[]> values, Set<String> signatures, String path)
      throws BadInputException {
    for (String name : NAMES) {
      if (!values.containsKey(name) || values.get(name).length == 0) {
        throw new BadInputException(path, "its signature info does not say " + name);
      }
    }
    StringBuilder alphabet = new StringBuilder();
    for (int c : values.get("alphabet")) {
      alphabet.append((char) c);
    }
    int format = values.get("format")[0];
    Network network;
    if (format == 1) {
      network = preset(values, signatures, alphabet.toString(), path);
    } else if (format == 2) {
      network = named(values, signatures, alphabet.toString(), path);
    } else {
      throw new BadInputException(
          path, "signatures of format " + format + "; this trainer speaks 1 and 2");
    }
    return new ModelInfo(values, alphabet.toString(), network);
  }

  static String trainSignature(String subModel) {
    return "train_" + subModel.toLowerCase(Locale.ROOT);
  }

  static String resetSignature(String subModel) {
    return "reset_" + subModel.toLowerCase(Locale.ROOT);
  }

  /** Counted from 1. */
  static String segmentSignature(int number) {
    return "segment" + number;
  }

  /** By which an exit's decoder sees its state; counted from 1. */
  static String attendSignature(int number) {
    return "attend" + number;
  }

  /** One step of an exit's decoder; counted from 1. */
  static String decodeSignature(int number) {
    return "decode_step" + number;
  }

  static String getSignature(String layer) {
    return "get_" + layer.toLowerCase(Locale.ROOT);
  }

  /** Samples of the longest utterance. */
  public int maxSamples() {
    return window + (maxFrames - 1) * hop;
  }

  /** Output frames of an utterance of this many frames of features. */
  public int outputFrames(int frames) {
    return (frames + timeStride - 1) / timeStride;
  }

  /** The network of a file of format 1: DeepSpeech2 by its counts. */
  private static Network preset(
      Map<String, int[]> values, Set<String> signatures, String alphabet, String path)
      throws BadInputException {
    long[] layers = longs(values.get("layers"));
    if (layers.length != MobileAsr.LAYERS.size()
        || values.get("sub_models").length != MobileAsr.SUB_MODELS.size()) {
      throw new BadInputException(
          path,
          "it has " + layers.length + " layers and " + values.get("sub_models").length
              + " sub-models and no names for them, and is not DeepSpeech2");
    }
    Network whole =
        Network.deepSpeech2(layers, alphabet, new TreeSet<String>(MobileAsr.SUB_MODELS));
    checkCounts(whole, values, path);
    Set<String> able = new TreeSet<String>();
    for (String name : MobileAsr.SUB_MODELS) {
      if (signatures.contains(trainSignature(name))) {
        able.add(name);
      }
    }
    if (able.isEmpty()) {
      throw new BadInputException(path, "it has no signature that trains a sub-model");
    }
    return Network.deepSpeech2(layers, alphabet, able);
  }

  /** The network of a file of format 2, as it names itself. */
  private static Network named(
      Map<String, int[]> values, Set<String> signatures, String alphabet, String path)
      throws BadInputException {
    if (!values.containsKey("network")) {
      throw new BadInputException(path, "its signature info does not say network");
    }
    int[] numbers = values.get("network");
    byte[] text = new byte[numbers.length];
    for (int n = 0; n < text.length; n++) {
      text[n] = (byte) numbers[n];
    }
    Network network;
    try {
      network = Network.parse(new String(text, Charset.forName("UTF-8")));
    } catch (BadInputException e) {
      throw new BadInputException(path, "its network cannot be right: " + e.getMessage());
    }
    if (!network.alphabet.equals(alphabet)) {
      throw new BadInputException(path, "its network has another alphabet than its outputs");
    }
    checkCounts(network, values, path);
    for (String name : network.subModels.keySet()) {
      boolean switched = network.subModels.get(name).how != null;
      need(signatures, switched ? SWITCHED : trainSignature(name), name, path);
      need(signatures, resetSignature(name), name, path);
    }
    int number = 1;
    for (String name : network.exits.keySet()) {
      need(signatures, segmentSignature(number), name, path);
      if (!network.exits.get(name).decoder.isEmpty()) {
        need(signatures, attendSignature(number), name, path);
        need(signatures, decodeSignature(number), name, path);
      }
      number++;
    }
    return network;
  }

  private static void need(Set<String> signatures, String signature, String of, String path)
      throws BadInputException {
    if (!signatures.contains(signature)) {
      throw new BadInputException(
          path, "its network has " + of + ", there is no signature " + signature);
    }
  }

  private static void checkCounts(Network network, Map<String, int[]> values, String path)
      throws BadInputException {
    long[] layers = new long[network.layers.size()];
    int n = 0;
    for (long parameters : network.layers.values()) {
      layers[n++] = parameters;
    }
    long[] trained = new long[network.subModels.size()];
    n = 0;
    for (String name : network.subModels.keySet()) {
      trained[n++] = network.trainedParameters(name);
    }
    if (!Arrays.equals(layers, longs(values.get("layers")))) {
      throw new BadInputException(path, "its network has other layers than its sizes");
    }
    if (!Arrays.equals(trained, longs(values.get("sub_models")))) {
      throw new BadInputException(path, "its network has other sub-models than its sizes");
    }
  }

  private static long[] longs(int[] numbers) {
    long[] found = new long[numbers.length];
    for (int n = 0; n < numbers.length; n++) {
      found[n] = numbers[n];
    }
    return found;
  }
}
