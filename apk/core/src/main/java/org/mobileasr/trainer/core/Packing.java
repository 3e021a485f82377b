package org.mobileasr.trainer.core;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Weights on their way into a file, some of them written smaller. */
final class Packing {
  /** Those that are not written smaller. */
  final Map<String, Tensor> arrays = new LinkedHashMap<String, Tensor>();

  /** Those that are. */
  final Map<String, Packed> small = new LinkedHashMap<String, Packed>();

  private final Wire wire;
  private final String direction;
  private final Set<String> chosen = new HashSet<String>();
  private long numbers;
  private long changed;
  private long bytes;
  private double lost;
  private double whole;

  /**
   * @param wire how; null: not at all
   * @param model all weights of the model
   * @param direction {@code up}, or where else they go: a part of the key of rounding by lot
   */
  Packing(Wire wire, Map<String, Tensor> model, String direction) {
    this.wire = wire;
    this.direction = direction;
    if (wire != null) {
      Map<String, int[]> shapes = new LinkedHashMap<String, int[]>();
      for (Map.Entry<String, Tensor> variable : model.entrySet()) {
        shapes.put(variable.getKey(), variable.getValue().shape);
      }
      chosen.addAll(wire.chosen(shapes));
    }
  }

  /**
   * Takes a weight.
   *
   * @param began what it was before training; null where it is not known, or this is a difference
   * @throws CodecException a number is NaN or infinite
   */
  void add(String name, Tensor value, Tensor began) throws CodecException {
    bytes += 4L * value.values.length;
    if (!chosen.contains(name)) {
      arrays.put(name, value);
      return;
    }
    String key = wire.lotKey(name, direction);
    Packed packed = Packed.pack(value, wire, key);
    small.put(name, packed);
    numbers += value.values.length;
    changed += packed.changed(began, wire, key);
    float[] decoded = packed.value().values;
    for (int n = 0; n < decoded.length; n++) {
      double error = (double) (decoded[n] - value.values[n]);
      lost += error * error;
      whole += (double) value.values[n] * value.values[n];
    }
  }

  /**
   * What it did to them, as an event says it; null where nothing was asked.
   *
   * @param compared whether it is known what training began with
   */
  Map<String, Object> told(boolean compared) {
    if (wire == null) {
      return null;
    }
    Map<String, Object> told = new HashMap<String, Object>();
    told.put("coding", wire.coding());
    told.put("variables", small.size());
    told.put("changed", numbers > 0 && compared ? (double) changed / numbers : null);
    told.put("error", whole > 0 ? Math.sqrt(lost / whole) : 0.0);
    told.put("float32_bytes", bytes);
    return told;
  }
}
