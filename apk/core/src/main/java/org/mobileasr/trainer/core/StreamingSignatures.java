package org.mobileasr.trainer.core;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** A {@link StreamingModel} over the signatures of a flatbuffer. */
final class StreamingSignatures implements StreamingModel {
  private static final List<String> NEEDED =
      Arrays.asList("stream_features", "encode_chunk", "predict", "joint");
  private static final List<String> MEMORY = Arrays.asList("keys", "values", "past");
  private static final List<String> STATE = Arrays.asList("h", "c");

  private final Signatures signatures;
  private final Shape shape;

  /**
   * Looks into a flatbuffer.
   *
   * @param signatures of the file, with weights
   * @param info of the file
   * @param path of the file, for messages
   * @throws BadInputException it cannot hear a recording while it goes on
   */
  StreamingSignatures(Signatures signatures, ModelInfo info, String path)
      throws BadInputException {
    TreeSet<String> missing = new TreeSet<String>(NEEDED);
    missing.removeAll(signatures.names());
    if (!missing.isEmpty()) {
      throw new BadInputException(
          path,
          "the model cannot hear a recording while it goes on: it lacks the signatures "
              + missing);
    }
    this.signatures = signatures;
    int frames = signatures.inputs("encode_chunk").get("features").shape[0];
    int chunk = signatures.outputs("encode_chunk").get("encoded").shape[0];
    int samples = info.window + (frames - 1) * info.hop;
    Map<String, ByteBuffer> inputs = zeros("stream_features");
    inputs.get("samples").putInt(0, info.window);
    int hop = run("stream_features", inputs).get("hop").getInt(0);
    if (hop < chunk || hop % chunk != 0) {
      throw new BadInputException(
          path, "a segment of " + hop + " frames of features for " + chunk + " of the encoder");
    }
    shape = new Shape(samples, info.window, hop, info.hop, chunk);
  }

  @Override
  public Shape shape() {
    return shape;
  }

  @Override
  public float[][] features(short[] pcm, int start, int count) {
    Map<String, ByteBuffer> inputs = zeros("stream_features");
    inputs.get("pcm").asShortBuffer().put(pcm, start, count);
    inputs.get("samples").putInt(0, count);
    Map<String, ByteBuffer> out = run("stream_features", inputs);
    int frames = out.get("frames").getInt(0);
    int width = signatures.outputs("stream_features").get("features").shape[1];
    return rows(out.get("features"), frames, width);
  }

  @Override
  public Encoded encode(float[][] features, Encoded before) {
    Map<String, ByteBuffer> inputs = zeros("encode_chunk");
    for (int frame = 0; frame < features.length; frame++) {
      ByteBuffer row = at(inputs.get("features"), 4 * frame * features[frame].length);
      row.asFloatBuffer().put(features[frame]);
    }
    inputs.get("frames").putInt(0, features.length);
    remember(inputs, MEMORY, before == null ? null : before.state);
    Map<String, ByteBuffer> out = run("encode_chunk", inputs);
    int[] encoded = signatures.outputs("encode_chunk").get("encoded").shape;
    return new Encoded(rows(out.get("encoded"), encoded[0], encoded[1]), out);
  }

  @Override
  public Written predict(int label, Written before) {
    Map<String, ByteBuffer> inputs = zeros("predict");
    inputs.get("token").putInt(0, label);
    remember(inputs, STATE, before == null ? null : before.state);
    Map<String, ByteBuffer> out = run("predict", inputs);
    return new Written(floats(out.get("predicted")), out);
  }

  @Override
  public float[] joint(float[] heard, float[] written) {
    Map<String, ByteBuffer> inputs = zeros("joint");
    inputs.get("encoded").asFloatBuffer().put(heard);
    inputs.get("predicted").asFloatBuffer().put(written);
    return floats(run("joint", inputs).get("logits"));
  }

  /** Takes up what a call before gave; zeros stay at the start. */
  @SuppressWarnings("unchecked") // it is what a call of this class gave
  private static void remember(
      Map<String, ByteBuffer> inputs, List<String> names, Object before) {
    if (before == null) {
      return;
    }
    Map<String, ByteBuffer> given = (Map<String, ByteBuffer>) before;
    for (String name : names) {
      inputs.put(name, at(given.get(name), 0));
    }
  }

  private Map<String, ByteBuffer> run(String name, Map<String, ByteBuffer> inputs) {
    Map<String, ByteBuffer> out = new HashMap<String, ByteBuffer>();
    for (Map.Entry<String, Signatures.Spec> spec : signatures.outputs(name).entrySet()) {
      out.put(spec.getKey(), buffer(spec.getValue()));
    }
    signatures.run(name, inputs, out);
    return out;
  }

  private Map<String, ByteBuffer> zeros(String name) {
    Map<String, ByteBuffer> inputs = new HashMap<String, ByteBuffer>();
    for (Map.Entry<String, Signatures.Spec> spec : signatures.inputs(name).entrySet()) {
      inputs.put(spec.getKey(), buffer(spec.getValue()));
    }
    return inputs;
  }

  private static ByteBuffer buffer(Signatures.Spec spec) {
    return ByteBuffer.allocateDirect(spec.bytes()).order(ByteOrder.nativeOrder());
  }

  private static ByteBuffer at(ByteBuffer buffer, int place) {
    ByteBuffer view = buffer.duplicate().order(buffer.order());
    view.position(place);
    return view;
  }

  private static float[][] rows(ByteBuffer buffer, int count, int width) {
    float[][] found = new float[count][width];
    for (int row = 0; row < count; row++) {
      at(buffer, 4 * row * width).asFloatBuffer().get(found[row]);
    }
    return found;
  }

  private static float[] floats(ByteBuffer buffer) {
    float[] found = new float[buffer.capacity() / 4];
    at(buffer, 0).asFloatBuffer().get(found);
    return found;
  }
}
