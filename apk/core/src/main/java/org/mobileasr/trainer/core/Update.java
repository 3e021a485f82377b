package org.mobileasr.trainer.core;

import java.io.File;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What goes back to the host: the weights that were trained, some of them written small. */
final class Update {
  /** Those that are not written small. */
  final Map<String, Tensor> arrays = new LinkedHashMap<String, Tensor>();

  /** Those that are. */
  final Map<String, Packed> small = new LinkedHashMap<String, Packed>();

  /** What writing it smaller did to it, as the event says it; null where nothing was asked. */
  final Map<String, Object> written;

  private long numbers;
  private long changed;
  private long bytes;
  private double lost;
  private double whole;

  /**
   * Reads what goes back.
   *
   * @param share what the job asks
   * @param names of the weights of the trained layers
   * @param kept the checkpoint that counts
   * @param start the checkpoint that training began with; null where the job has none
   * @throws BadInputException a checkpoint is damaged
   */
  Update(Share share, List<String> names, File kept, File start) throws BadInputException {
    Map<String, Tensor> after = Npz.read(kept);
    boolean differs = Share.DELTA.equals(share.form);
    boolean reads = start != null && (differs || share.wire != null);
    Map<String, Tensor> before = reads ? Npz.read(start) : null;
    Set<String> chosen = chosen(share.wire, after);
    for (String name : names) {
      Tensor value = after.get(name);
      Tensor began = before == null ? null : before.get(name);
      if (differs && began != null) {
        value = Share.difference(value, began);
      }
      bytes += 4L * value.values.length;
      if (chosen.contains(name)) {
        try {
          pack(share.wire, name, value, differs ? null : began, differs || began != null);
        } catch (CodecException e) {
          throw new BadInputException(kept.getPath(), name + ": " + e.getMessage());
        }
      } else {
        arrays.put(name, value);
      }
    }
    written = share.wire == null ? null : told(share.wire, differs || before != null);
  }

  private static Set<String> chosen(Wire wire, Map<String, Tensor> model) {
    Map<String, int[]> shapes = new LinkedHashMap<String, int[]>();
    for (Map.Entry<String, Tensor> variable : model.entrySet()) {
      shapes.put(variable.getKey(), variable.getValue().shape);
    }
    return wire == null ? new HashSet<String>() : new HashSet<String>(wire.chosen(shapes));
  }

  private void pack(Wire wire, String name, Tensor value, Tensor began, boolean compared)
      throws CodecException {
    String key = wire.lotKey(name);
    Packed packed = Packed.pack(value, wire, key);
    small.put(name, packed);
    numbers += value.values.length;
    if (compared) {
      changed += packed.changed(began, wire, key);
    }
    float[] decoded = packed.value().values;
    for (int n = 0; n < decoded.length; n++) {
      double error = (double) (decoded[n] - value.values[n]);
      lost += error * error;
      whole += (double) value.values[n] * value.values[n];
    }
  }

  private Map<String, Object> told(Wire wire, boolean compared) {
    Map<String, Object> told = new HashMap<String, Object>();
    told.put("coding", wire.coding());
    told.put("variables", small.size());
    told.put("changed", numbers > 0 && compared ? (double) changed / numbers : null);
    told.put("error", whole > 0 ? Math.sqrt(lost / whole) : 0.0);
    told.put("float32_bytes", bytes);
    return told;
  }
}
