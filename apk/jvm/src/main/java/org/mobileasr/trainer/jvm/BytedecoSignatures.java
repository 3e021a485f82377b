package org.mobileasr.trainer.jvm;

import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterCreate;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterDelete;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetSignatureCount;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetSignatureKey;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetSignatureRunner;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterOptionsCreate;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterOptionsDelete;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterOptionsSetNumThreads;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteModelCreateFromFile;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteModelDelete;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerAllocateTensors;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerDelete;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetInputCount;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetInputName;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetInputTensor;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetOutputCount;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetOutputName;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetOutputTensor;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerInvoke;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorByteSize;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorData;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorDim;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorNumDims;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorType;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteVersion;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.kTfLiteFloat32;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.kTfLiteInt16;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.kTfLiteInt32;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.kTfLiteOk;
import static org.bytedeco.tensorflowlite.global.tensorflowlite.kTfLiteUInt8;

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.tensorflowlite.TfLiteInterpreter;
import org.bytedeco.tensorflowlite.TfLiteInterpreterOptions;
import org.bytedeco.tensorflowlite.TfLiteModel;
import org.bytedeco.tensorflowlite.TfLiteSignatureRunner;
import org.bytedeco.tensorflowlite.TfLiteTensor;
import org.mobileasr.trainer.core.BadInputException;
import org.mobileasr.trainer.core.Signatures;

/** Signatures run by TensorFlow Lite's C interface. */
public final class BytedecoSignatures implements Signatures {
  private final TfLiteModel model;
  private final TfLiteInterpreter interpreter;
  private final Map<String, TfLiteSignatureRunner> runners =
      new TreeMap<String, TfLiteSignatureRunner>();
  private final Map<String, Map<String, Spec>> inputs = new TreeMap<String, Map<String, Spec>>();
  private final Map<String, Map<String, Spec>> outputs = new TreeMap<String, Map<String, Spec>>();

  public BytedecoSignatures(File file, int threads) throws BadInputException {
    model = TfLiteModelCreateFromFile(file.getPath());
    if (model == null || model.isNull()) {
      throw new BadInputException(file.getPath(), "TensorFlow Lite cannot read the model");
    }
    TfLiteInterpreterOptions options = TfLiteInterpreterOptionsCreate();
    TfLiteInterpreterOptionsSetNumThreads(options, threads);
    interpreter = TfLiteInterpreterCreate(model, options);
    TfLiteInterpreterOptionsDelete(options);
    if (interpreter == null || interpreter.isNull()) {
      TfLiteModelDelete(model);
      throw new BadInputException(file.getPath(), "TensorFlow Lite cannot run the model");
    }
    for (int n = 0; n < TfLiteInterpreterGetSignatureCount(interpreter); n++) {
      runners.put(TfLiteInterpreterGetSignatureKey(interpreter, n).getString(), null);
    }
  }

  static String version() {
    return "tensorflow-lite " + TfLiteVersion().getString();
  }

  @Override
  public String runtime() {
    return version();
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(runners.keySet());
  }

  @Override
  public Map<String, Spec> inputs(String signature) {
    runner(signature);
    return inputs.get(signature);
  }

  @Override
  public Map<String, Spec> outputs(String signature) {
    runner(signature);
    return outputs.get(signature);
  }

  @Override
  public void run(
      String signature, Map<String, ByteBuffer> given, Map<String, ByteBuffer> wanted) {
    TfLiteSignatureRunner runner = runner(signature);
    for (Map.Entry<String, ByteBuffer> input : given.entrySet()) {
      ByteBuffer from = input.getValue().duplicate();
      from.clear();
      memory(TfLiteSignatureRunnerGetInputTensor(runner, input.getKey()), from.capacity())
          .put(from);
    }
    check(TfLiteSignatureRunnerInvoke(runner), signature);
    for (Map.Entry<String, ByteBuffer> output : wanted.entrySet()) {
      ByteBuffer to = output.getValue();
      to.clear();
      to.put(
          memory(TfLiteSignatureRunnerGetOutputTensor(runner, output.getKey()), to.capacity()));
      to.rewind();
    }
  }

  @Override
  public void close() {
    for (TfLiteSignatureRunner runner : runners.values()) {
      if (runner != null) {
        TfLiteSignatureRunnerDelete(runner);
      }
    }
    TfLiteInterpreterDelete(interpreter);
    TfLiteModelDelete(model);
  }

  /** Made at the first use: each takes the memory of its own tensors. */
  private TfLiteSignatureRunner runner(String signature) {
    TfLiteSignatureRunner runner = runners.get(signature);
    if (runner != null) {
      return runner;
    }
    if (!runners.containsKey(signature)) {
      throw new IllegalArgumentException("no signature " + signature);
    }
    runner = TfLiteInterpreterGetSignatureRunner(interpreter, signature);
    check(TfLiteSignatureRunnerAllocateTensors(runner), signature);
    Map<String, Spec> takes = new LinkedHashMap<String, Spec>();
    for (int n = 0; n < TfLiteSignatureRunnerGetInputCount(runner); n++) {
      String name = TfLiteSignatureRunnerGetInputName(runner, n).getString();
      takes.put(name, spec(TfLiteSignatureRunnerGetInputTensor(runner, name)));
    }
    Map<String, Spec> gives = new LinkedHashMap<String, Spec>();
    for (int n = 0; n < TfLiteSignatureRunnerGetOutputCount(runner); n++) {
      String name = TfLiteSignatureRunnerGetOutputName(runner, n).getString();
      gives.put(name, spec(TfLiteSignatureRunnerGetOutputTensor(runner, name)));
    }
    runners.put(signature, runner);
    inputs.put(signature, Collections.unmodifiableMap(takes));
    outputs.put(signature, Collections.unmodifiableMap(gives));
    return runner;
  }

  private static Spec spec(TfLiteTensor tensor) {
    int[] shape = new int[TfLiteTensorNumDims(tensor)];
    for (int n = 0; n < shape.length; n++) {
      shape[n] = TfLiteTensorDim(tensor, n);
    }
    int type = TfLiteTensorType(tensor);
    if (type == kTfLiteFloat32) {
      return new Spec(Type.FLOAT32, shape);
    }
    if (type == kTfLiteInt32) {
      return new Spec(Type.INT32, shape);
    }
    if (type == kTfLiteInt16) {
      return new Spec(Type.INT16, shape);
    }
    if (type == kTfLiteUInt8) {
      return new Spec(Type.UINT8, shape);
    }
    throw new IllegalStateException("a tensor of type " + type);
  }

  private static ByteBuffer memory(TfLiteTensor tensor, int bytes) {
    if (TfLiteTensorByteSize(tensor) != bytes) {
      throw new IllegalArgumentException(
          bytes + " bytes for a tensor of " + TfLiteTensorByteSize(tensor));
    }
    BytePointer data = new BytePointer(TfLiteTensorData(tensor));
    return data.capacity(bytes).asByteBuffer().order(ByteOrder.nativeOrder());
  }

  private static void check(int status, String signature) {
    if (status != kTfLiteOk) {
      throw new IllegalStateException("TensorFlow Lite failed in " + signature + ": " + status);
    }
  }
}
