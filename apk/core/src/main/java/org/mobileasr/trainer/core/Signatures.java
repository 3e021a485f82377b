package org.mobileasr.trainer.core;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Set;

/**
 * The signatures of one flatbuffer in one interpreter: the only thing that differs between Android
 * and a JVM. Buffers are direct and in native byte order.
 */
public interface Signatures extends Closeable {
  /** Types of tensor that the model has. */
  enum Type {
    FLOAT32(4),
    INT32(4),
    INT16(2),
    UINT8(1);

    /** Bytes of one value. */
    public final int bytes;

    Type(int bytes) {
      this.bytes = bytes;
    }
  }

  /** Type and shape of an input or output. */
  final class Spec {
    public final Type type;
    public final int[] shape;

    public Spec(Type type, int[] shape) {
      this.type = type;
      this.shape = shape;
    }

    /** Bytes that it takes. */
    public int bytes() {
      return Math.multiplyExact(type.bytes, Tensor.size(shape));
    }
  }

  /** What runs the model and its version, for the log. */
  String runtime();

  Set<String> names();

  Map<String, Spec> inputs(String signature);

  Map<String, Spec> outputs(String signature);

  /**
   * Runs a signature.
   *
   * @param inputs every input of it, filled and rewound
   * @param outputs those to be filled; rewound when it returns
   * @throws IllegalStateException the runtime failed
   */
  void run(String signature, Map<String, ByteBuffer> inputs, Map<String, ByteBuffer> outputs);
}
