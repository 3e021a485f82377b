package org.mobileasr.trainer;

import java.io.File;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.mobileasr.trainer.core.BadInputException;
import org.mobileasr.trainer.core.Signatures;
import org.tensorflow.lite.DataType;
import org.tensorflow.lite.Interpreter;
import org.tensorflow.lite.Tensor;

/** Signatures run by TensorFlow Lite for Android. */
final class TfLiteSignatures implements Signatures {
  private final Interpreter interpreter;
  private final String runtime;
  private final Set<String> names;
  private final Map<String, Map<String, Spec>> inputs = new HashMap<String, Map<String, Spec>>();
  private final Map<String, Map<String, Spec>> outputs = new HashMap<String, Map<String, Spec>>();

  TfLiteSignatures(File file, int threads, String runtime) throws BadInputException {
    this.runtime = runtime;
    Interpreter.Options options = new Interpreter.Options();
    options.setNumThreads(threads);
    try {
      interpreter = new Interpreter(file, options);
    } catch (IllegalArgumentException e) {
      throw new BadInputException(
          file.getPath(), "TensorFlow Lite cannot read the model: " + e.getMessage());
    }
    names =
        Collections.unmodifiableSet(
            new TreeSet<String>(Arrays.asList(interpreter.getSignatureKeys())));
  }

  @Override
  public String runtime() {
    return runtime;
  }

  @Override
  public Set<String> names() {
    return names;
  }

  @Override
  public Map<String, Spec> inputs(String signature) {
    Map<String, Spec> found = inputs.get(signature);
    if (found == null) {
      found = new LinkedHashMap<String, Spec>();
      for (String name : interpreter.getSignatureInputs(signature)) {
        found.put(name, spec(interpreter.getInputTensorFromSignature(name, signature)));
      }
      inputs.put(signature, found);
    }
    return found;
  }

  @Override
  public Map<String, Spec> outputs(String signature) {
    Map<String, Spec> found = outputs.get(signature);
    if (found == null) {
      found = new LinkedHashMap<String, Spec>();
      for (String name : interpreter.getSignatureOutputs(signature)) {
        found.put(name, spec(interpreter.getOutputTensorFromSignature(name, signature)));
      }
      outputs.put(signature, found);
    }
    return found;
  }

  @Override
  public void run(
      String signature, Map<String, ByteBuffer> given, Map<String, ByteBuffer> wanted) {
    interpreter.runSignature(
        new HashMap<String, Object>(given), new HashMap<String, Object>(wanted), signature);
    for (ByteBuffer output : wanted.values()) {
      output.rewind();
    }
  }

  @Override
  public void close() {
    interpreter.close();
  }

  private static Spec spec(Tensor tensor) {
    DataType type = tensor.dataType();
    switch (type) {
      case FLOAT32:
        return new Spec(Type.FLOAT32, tensor.shape());
      case INT32:
        return new Spec(Type.INT32, tensor.shape());
      case INT16:
        return new Spec(Type.INT16, tensor.shape());
      case UINT8:
        return new Spec(Type.UINT8, tensor.shape());
      default:
        throw new IllegalStateException("a tensor of type " + type);
    }
  }
}
