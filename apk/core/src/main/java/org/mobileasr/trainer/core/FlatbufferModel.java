package org.mobileasr.trainer.core;

import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** One trainable flatbuffer; weights and Adam's moments live in its interpreter. */
public final class FlatbufferModel implements Closeable {
  private static final List<String> NEEDED =
      Arrays.asList("features", "infer", "loss", "get_weights", "set_weights", "info");

  private static final String SEED_ROUNDING = "seed_rounding";

  private final Signatures signatures;
  private final String path;
  private final ModelInfo info;
  private boolean hasWeights;
  private Double changedCodes;

  /** Layers whose moments are there. */
  private Set<String> momentsOf = new HashSet<String>();

  /**
   * Looks into a flatbuffer.
   *
   * @param signatures of the file; closed with this object
   * @param path of the file, for messages
   * @throws BadInputException without the signatures of this version
   */
  public FlatbufferModel(Signatures signatures, String path) throws BadInputException {
    this.signatures = signatures;
    this.path = path;
    TreeSet<String> missing = new TreeSet<String>(NEEDED);
    missing.removeAll(signatures.names());
    if (!missing.isEmpty()) {
      throw new BadInputException(path, "the model lacks the signatures " + missing);
    }
    Map<String, int[]> values = new HashMap<String, int[]>();
    Map<String, ByteBuffer> out = outputs("info");
    signatures.run("info", new HashMap<String, ByteBuffer>(), out);
    for (Map.Entry<String, ByteBuffer> value : out.entrySet()) {
      Signatures.Type type = signatures.outputs("info").get(value.getKey()).type;
      values.put(value.getKey(), numbers(value.getValue(), type));
    }
    info = ModelInfo.of(values, signatures.names(), path);
    hasWeights = values.get("weights_included")[0] != 0;
  }

  private static int[] numbers(ByteBuffer buffer, Signatures.Type type) {
    int[] numbers = new int[buffer.capacity() / type.bytes];
    if (type == Signatures.Type.UINT8) {
      for (int n = 0; n < numbers.length; n++) {
        numbers[n] = buffer.get(n) & 0xff;
      }
    } else {
      buffer.asIntBuffer().get(numbers);
    }
    return numbers;
  }

  public ModelInfo info() {
    return info;
  }

  /**
   * Returns log-mel features {@code [frames][mels]} of one utterance.
   *
   * @throws BadInputException shorter than a window or longer than the model takes
   */
  public float[][] features(short[] pcm) throws BadInputException {
    if (pcm.length < info.window || pcm.length > info.maxSamples()) {
      throw new BadInputException(
          path,
          String.format(
              Locale.ROOT,
              "%.2f s of audio; the model takes %.3f to %.2f s",
              (double) pcm.length / info.sampleRate,
              (double) info.window / info.sampleRate,
              (double) info.maxSamples() / info.sampleRate));
    }
    ByteBuffer sound = buffer(2 * info.maxSamples());
    sound.asShortBuffer().put(pcm);
    Map<String, ByteBuffer> inputs = new HashMap<String, ByteBuffer>();
    inputs.put("pcm", sound);
    inputs.put("samples", ints(pcm.length));
    Map<String, ByteBuffer> out = outputs("features");
    signatures.run("features", inputs, out);
    int frames = out.get("frames").getInt(0);
    int mels = signatures.outputs("features").get("features").shape[1];
    float[][] found = new float[frames][mels];
    for (int t = 0; t < frames; t++) {
      ByteBuffer row = at(out.get("features"), 4 * t * mels);
      row.asFloatBuffer().get(found[t]);
    }
    return found;
  }

  /**
   * Takes one Adam step; returns the mean CTC loss before it. Layers that were not trained
   * before start Adam anew.
   *
   * @throws BadInputException the file cannot train it, or has no weights
   */
  public double trainStep(String subModel, Batch batch, double learningRate)
      throws BadInputException {
    Network.SubModel description = info.network.subModel(subModel);
    Set<String> trained = new HashSet<String>(description.layers);
    checkWeights();
    if (!momentsOf.containsAll(trained)) {
      String reset = ModelInfo.resetSignature(subModel);
      signatures.run(reset, new HashMap<String, ByteBuffer>(), outputs(reset));
      momentsOf = trained;
    }
    Map<String, ByteBuffer> inputs = sound(batch);
    inputs.put("labels", ints(batch.labels));
    inputs.put("lab_len", ints(batch.labLen));
    ByteBuffer rate = buffer(4);
    rate.putFloat(0, (float) learningRate);
    inputs.put("lr", rate);
    String train = ModelInfo.trainSignature(subModel);
    if (description.how != null) {
      train = ModelInfo.SWITCHED;
      inputs.put("first", ints(description.how.first));
      inputs.put("last", ints(description.how.last));
      inputs.put("heads_only", ints(description.how.headsOnly ? 1 : 0));
    }
    Map<String, ByteBuffer> out = outputs(train);
    signatures.run(train, inputs, out);
    ByteBuffer changed = out.get("changed_codes");
    changedCodes = changed == null ? null : (double) changed.getFloat(0);
    return out.get("loss").getFloat(0);
  }

  /** The share of the codes of its weights that the last step changed; null: it has none. */
  Double changedCodes() {
    return changedCodes;
  }

  /** Lets weights that are encoded be rounded by other lots; of other files nothing changes. */
  void seedRounding(int seed) {
    if (signatures.names().contains(SEED_ROUNDING)) {
      Map<String, ByteBuffer> inputs = new HashMap<String, ByteBuffer>();
      inputs.put("seed", ints(seed));
      signatures.run(SEED_ROUNDING, inputs, outputs(SEED_ROUNDING));
    }
  }

  /**
   * Returns logits {@code [frame][output]} of each real row.
   *
   * @throws BadInputException the file has no weights yet
   */
  public float[][][] infer(Batch batch) throws BadInputException {
    checkWeights();
    Map<String, ByteBuffer> out = outputs("infer");
    signatures.run("infer", sound(batch), out);
    return logits("infer", out, batch);
  }

  /**
   * Returns the segments of a network with exits, to be run one after the other.
   *
   * @param writes the attention decoder of each exit writes, too
   * @throws BadInputException the file has no weights yet
   */
  Segments segments(final Batch batch, final boolean writes) throws BadInputException {
    checkWeights();
    final Map<String, ByteBuffer> sound = sound(batch);
    return new Segments() {
      private int number;
      private ByteBuffer state;

      @Override
      public Run next() {
        String name = ModelInfo.segmentSignature(++number);
        Map<String, ByteBuffer> inputs = new HashMap<String, ByteBuffer>(sound);
        if (state != null) {
          inputs.remove("x");
          inputs.put("state", state);
        }
        long began = System.nanoTime();
        Map<String, ByteBuffer> out = outputs(name);
        signatures.run(name, inputs, out);
        state = out.get("state");
        float[][][] logits = logits(name, out, batch);
        long ran = System.nanoTime();
        List<String> written = writes ? written(number, batch, state) : null;
        double writingSeconds = writes ? (System.nanoTime() - ran) / 1e9 : 0;
        return new Run(logits, (ran - began) / 1e9, written, writingSeconds);
      }
    };
  }

  /** What the decoder of an exit writes of each real row, greedily. */
  private List<String> written(int number, Batch batch, ByteBuffer state) {
    String attend = ModelInfo.attendSignature(number);
    Map<String, ByteBuffer> seen = outputs(attend);
    signatures.run(attend, Collections.singletonMap("state", state), seen);
    final String decode = ModelInfo.decodeSignature(number);
    final Map<String, ByteBuffer> inputs = new HashMap<String, ByteBuffer>();
    inputs.put("memory", seen.get("memory"));
    inputs.put("in_len", ints(batch.inLen));
    inputs.put("cache", buffer(signatures.inputs(decode).get("cache").bytes()));
    final int outputs = info.targets.outputs();
    GreedyWriter.Step step =
        new GreedyWriter.Step() {
          @Override
          public float[][] next(int[] token, int position) {
            inputs.put("token", ints(token));
            inputs.put("position", ints(position));
            Map<String, ByteBuffer> out = outputs(decode);
            signatures.run(decode, inputs, out);
            inputs.put("cache", out.get("cache"));
            float[][] next = new float[token.length][outputs];
            for (int row = 0; row < next.length; row++) {
              at(out.get("log_p"), 4 * row * outputs).asFloatBuffer().get(next[row]);
            }
            return next;
          }
        };
    List<String> texts = new ArrayList<String>();
    for (List<Integer> labels :
        GreedyWriter.write(step, batch.rows, info.batchSize, info.blank, info.maxLabel)) {
      texts.add(info.targets.text(labels));
    }
    return texts;
  }

  private float[][][] logits(String signature, Map<String, ByteBuffer> out, Batch batch) {
    int[] shape = signatures.outputs(signature).get("logits").shape;
    float[][][] found = new float[batch.rows][][];
    for (int row = 0; row < batch.rows; row++) {
      found[row] = new float[out.get("out_len").getInt(4 * row)][shape[2]];
      for (int t = 0; t < found[row].length; t++) {
        int place = 4 * (t * shape[1] + row) * shape[2];
        at(out.get("logits"), place).asFloatBuffer().get(found[row][t]);
      }
    }
    return found;
  }

  /**
   * Returns what hears a recording while it goes on.
   *
   * @throws BadInputException the file has no signatures for it, or no weights yet
   */
  StreamingModel streaming() throws BadInputException {
    checkWeights();
    return new StreamingSignatures(signatures, info, path);
  }

  /** Returns a copy of all weights and moving statistics by name. */
  public Map<String, Tensor> weights() throws BadInputException {
    checkWeights();
    Map<String, ByteBuffer> out = outputs("get_weights");
    signatures.run("get_weights", new HashMap<String, ByteBuffer>(), out);
    Map<String, Tensor> found = new LinkedHashMap<String, Tensor>();
    for (Map.Entry<String, Signatures.Spec> spec : signatures.outputs("get_weights").entrySet()) {
      float[] values = new float[Tensor.size(spec.getValue().shape)];
      out.get(spec.getKey()).asFloatBuffer().get(values);
      found.put(spec.getKey(), new Tensor(spec.getValue().shape, values));
    }
    return found;
  }

  /**
   * Sets all weights from a checkpoint.
   *
   * @throws BadInputException not a checkpoint, or not of this model
   */
  public void loadCheckpoint(File checkpoint) throws BadInputException {
    Map<String, Tensor> weights = Npz.read(checkpoint);
    Map<String, Signatures.Spec> wanted = signatures.inputs("set_weights");
    TreeSet<String> wrong = new TreeSet<String>(wanted.keySet());
    wrong.addAll(weights.keySet());
    for (Map.Entry<String, Tensor> weight : weights.entrySet()) {
      Signatures.Spec spec = wanted.get(weight.getKey());
      if (spec != null && Arrays.equals(spec.shape, weight.getValue().shape)) {
        wrong.remove(weight.getKey());
      }
    }
    if (!wrong.isEmpty()) {
      throw new BadInputException(
          checkpoint.getPath(), "the checkpoint does not fit the model: " + wrong);
    }
    setWeights(weights);
  }

  /**
   * Returns the names of the weights and moving statistics of layers.
   *
   * @throws BadInputException the file does not tell them layer by layer
   */
  List<String> weightNames(List<String> layers) throws BadInputException {
    List<String> names = new ArrayList<String>();
    for (String layer : layers) {
      String signature = ModelInfo.getSignature(layer);
      if (!signatures.names().contains(signature)) {
        throw new BadInputException(
            path,
            "this model file does not give its weights layer by layer; build it again with "
                + "'harness model build'");
      }
      names.addAll(signatures.outputs(signature).keySet());
    }
    return names;
  }

  /** Sets all weights, of which each must be there in its shape. */
  void setWeights(Map<String, Tensor> weights) {
    Map<String, ByteBuffer> inputs = new HashMap<String, ByteBuffer>();
    for (Map.Entry<String, Tensor> weight : weights.entrySet()) {
      ByteBuffer values = buffer(4 * weight.getValue().values.length);
      values.asFloatBuffer().put(weight.getValue().values);
      inputs.put(weight.getKey(), values);
    }
    signatures.run("set_weights", inputs, outputs("set_weights"));
    hasWeights = true;
  }

  @Override
  public void close() throws IOException {
    signatures.close();
  }

  /** The runtime would read whatever memory a variable without a value happens to have. */
  private void checkWeights() throws BadInputException {
    if (!hasWeights) {
      throw new BadInputException(
          path, "this model file has no weights of its own; load its checkpoint first");
    }
  }

  private Map<String, ByteBuffer> sound(Batch batch) {
    Map<String, ByteBuffer> inputs = new HashMap<String, ByteBuffer>();
    ByteBuffer x = buffer(4 * batch.x.length);
    x.asFloatBuffer().put(batch.x);
    inputs.put("x", x);
    inputs.put("in_len", ints(batch.inLen));
    return inputs;
  }

  private Map<String, ByteBuffer> outputs(String signature) {
    Map<String, ByteBuffer> found = new HashMap<String, ByteBuffer>();
    for (Map.Entry<String, Signatures.Spec> spec : signatures.outputs(signature).entrySet()) {
      found.put(spec.getKey(), buffer(spec.getValue().bytes()));
    }
    return found;
  }

  private static ByteBuffer ints(int... values) {
    ByteBuffer buffer = buffer(4 * values.length);
    buffer.asIntBuffer().put(values);
    return buffer;
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  private static ByteBuffer at(ByteBuffer buffer, int place) {
    ByteBuffer view = buffer.duplicate().order(buffer.order());
    view.position(place);
    return view;
  }
}
