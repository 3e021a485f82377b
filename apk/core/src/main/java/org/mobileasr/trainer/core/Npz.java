package org.mobileasr.trainer.core;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Checkpoints in NumPy's {@code .npz}: a zip of {@code .npy} arrays of format 1.0 (NumPy, "NEP 1").
 * Taken are finite 32- and 64-bit floats, as {@code harness.trainer.npz} takes and refuses them, and
 * packed ones: {@code NAME.codes}, of which {@code wire.json} says how they are read.
 */
public final class Npz {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final Charset LATIN = Charset.forName("ISO-8859-1");
  private static final Pattern HEADER =
      Pattern.compile(
          "\\{\\s*'descr':\\s*'([<>])f([48])',\\s*'fortran_order':\\s*(True|False),\\s*"
              + "'shape':\\s*\\(([0-9, ]*)\\),?\\s*\\}\\s*");
  private static final int MAX_HEADER_BYTES = 1 << 16;
  private static final int BUFFER_BYTES = 1 << 16;
  private static final int ALIGNMENT = 64;
  private static final String ARRAY = ".npy";
  private static final String CODES = ".codes";
  private static final String LIST = "wire.json";
  private static final Charset UTF_8 = Charset.forName("UTF-8");
  private static final int MAX_LIST_BYTES = 1 << 22;

  private Npz() {}

  /**
   * Reads all arrays by name.
   *
   * @throws BadInputException not there, or not such a file
   */
  public static Map<String, Tensor> read(File path) throws BadInputException {
    Map<String, Tensor> arrays = new LinkedHashMap<String, Tensor>();
    try {
      ZipFile zip = new ZipFile(path);
      try {
        Set<String> unread = new HashSet<String>();
        Map<String, Small> small = list(zip, path, unread);
        Enumeration<? extends ZipEntry> entries = zip.entries();
        while (entries.hasMoreElements()) {
          ZipEntry entry = entries.nextElement();
          if (entry.getName().equals(LIST)) {
            continue;
          }
          boolean packed = entry.getName().endsWith(CODES);
          if (!packed && !entry.getName().endsWith(ARRAY)) {
            throw new BadInputException(path.getPath(), "not a checkpoint: " + entry.getName());
          }
          String suffix = packed ? CODES : ARRAY;
          String name = entry.getName().substring(0, entry.getName().length() - suffix.length());
          if (packed != small.containsKey(name)) {
            throw new BadInputException(
                path.getPath(), entry.getName() + " is not what " + LIST + " says");
          }
          unread.remove(name);
          CheckedInputStream content =
              new CheckedInputStream(zip.getInputStream(entry), new CRC32());
          DataInputStream in = new DataInputStream(content);
          try {
            Tensor value =
                packed ? unpacked(in, path, entry, small.get(name)) : array(in, path, entry);
            if (arrays.put(name, value) != null) {
              throw new BadInputException(path.getPath(), entry.getName() + " is there twice");
            }
            if (in.read() >= 0) {
              throw new BadInputException(
                  path.getPath(), entry.getName() + " is longer than its shape");
            }
            if (entry.getCrc() >= 0 && content.getChecksum().getValue() != entry.getCrc()) {
              throw new BadInputException(path.getPath(), entry.getName() + " is damaged");
            }
          } finally {
            in.close();
          }
        }
        if (!unread.isEmpty()) {
          throw new BadInputException(path.getPath(), LIST + " names what is not there: " + unread);
        }
      } finally {
        zip.close();
      }
    } catch (ZipException e) {
      throw new BadInputException(path.getPath(), "not a checkpoint: " + e.getMessage());
    } catch (IOException e) {
      throw new BadInputException(path.getPath(), "cannot be read: " + e.getMessage());
    } catch (IllegalArgumentException e) {
      throw new BadInputException(path.getPath(), "not a checkpoint: " + e.getMessage());
    } catch (ArithmeticException e) {
      throw new BadInputException(path.getPath(), "not a checkpoint: a shape is too large");
    }
    return arrays;
  }

  /** What is packed: its coding and shape, by name. */
  private static Map<String, Small> list(ZipFile zip, File path, Set<String> unread)
      throws IOException, BadInputException {
    ZipEntry entry = zip.getEntry(LIST);
    if (entry == null) {
      return Collections.emptyMap();
    }
    if (entry.getSize() > MAX_LIST_BYTES) {
      throw new BadInputException(path.getPath(), LIST + " is too long");
    }
    byte[] text = new byte[(int) entry.getSize()];
    DataInputStream in = new DataInputStream(zip.getInputStream(entry));
    try {
      in.readFully(text);
    } finally {
      in.close();
    }
    Map<String, Small> small = new LinkedHashMap<String, Small>();
    try {
      Fields list = Fields.parse(new String(text, UTF_8));
      if (list.integer("version", 1, Integer.MAX_VALUE) != 1) {
        throw list.wrong("version", "a later one: update the trainer");
      }
      for (Map.Entry<String, Fields> each : list.objectsByName("variables").entrySet()) {
        small.put(each.getKey(), new Small(each.getValue()));
      }
      list.end();
    } catch (BadInputException e) {
      throw new BadInputException(path.getPath(), LIST + ": " + e.getMessage());
    }
    unread.addAll(small.keySet());
    return small;
  }

  /** How a packed array is read. */
  private static final class Small {
    final String coding;
    final int[] shape;

    Small(Fields fields) throws BadInputException {
      coding = fields.text("coding");
      shape = fields.wholeNumbers("shape");
      fields.end();
    }
  }

  private static Tensor unpacked(DataInputStream in, File path, ZipEntry entry, Small how)
      throws IOException, BadInputException {
    try {
      long length = Packed.length(how.coding, how.shape);
      if (length != entry.getSize()) {
        throw new CodecException("not as long as " + how.coding + " of its shape");
      }
      byte[] data = new byte[(int) length];
      in.readFully(data);
      return new Packed(how.coding, how.shape, data).value();
    } catch (CodecException e) {
      throw new BadInputException(path.getPath(), entry.getName() + ": " + e.getMessage());
    }
  }

  private static Tensor array(DataInputStream in, File path, ZipEntry entry)
      throws IOException, BadInputException {
    byte[] magic = new byte[MAGIC.length + 2];
    in.readFully(magic);
    for (int n = 0; n < MAGIC.length; n++) {
      if (magic[n] != MAGIC[n]) {
        throw new BadInputException(path.getPath(), entry.getName() + " is not an array");
      }
    }
    int version = magic[MAGIC.length];
    if (version != 1 && version != 2) {
      throw new BadInputException(
          path.getPath(), entry.getName() + " is an array of version " + version);
    }
    byte[] wide = new byte[version == 1 ? 2 : 4];
    in.readFully(wide);
    long length = 0;
    for (int n = wide.length - 1; n >= 0; n--) {
      length = length << 8 | (wide[n] & 0xff);
    }
    if (length > MAX_HEADER_BYTES) {
      throw new BadInputException(path.getPath(), entry.getName() + " has no header");
    }
    byte[] header = new byte[(int) length];
    in.readFully(header);
    Matcher matcher = HEADER.matcher(new String(header, LATIN));
    if (!matcher.matches()) {
      throw new BadInputException(path.getPath(), entry.getName() + " is not of 32-bit floats");
    }
    ByteOrder order =
        matcher.group(1).equals("<") ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN;
    int width = Integer.parseInt(matcher.group(2));
    int[] shape = shape(matcher.group(4));
    long bytes = (long) width * Tensor.size(shape);
    // The entry's own size bounds what a broken header can make us allocate.
    if (entry.getSize() >= 0 && bytes > entry.getSize()) {
      throw new BadInputException(path.getPath(), entry.getName() + " is shorter than its shape");
    }
    float[] values = floats(in, Tensor.size(shape), width, order);
    for (float value : values) {
      if (Float.isNaN(value) || Float.isInfinite(value)) {
        throw new BadInputException(
            path.getPath(), entry.getName() + " holds NaN or infinite numbers");
      }
    }
    boolean columns = matcher.group(3).equals("True");
    return new Tensor(shape, columns ? rowAfterRow(values, shape) : values);
  }

  /** Sorts values whose first index runs fastest into those whose last index does. */
  private static float[] rowAfterRow(float[] values, int[] shape) {
    float[] rows = new float[values.length];
    int[] index = new int[shape.length];
    for (float value : values) {
      int place = 0;
      for (int axis = 0; axis < shape.length; axis++) {
        place = place * shape[axis] + index[axis];
      }
      rows[place] = value;
      for (int axis = 0; axis < shape.length && ++index[axis] == shape[axis]; axis++) {
        index[axis] = 0;
      }
    }
    return rows;
  }

  private static int[] shape(String text) {
    String[] parts = text.trim().isEmpty() ? new String[0] : text.trim().split("\\s*,\\s*");
    int[] shape = new int[parts.length];
    for (int n = 0; n < parts.length; n++) {
      shape[n] = Integer.parseInt(parts[n]);
    }
    return shape;
  }

  private static float[] floats(DataInputStream in, int count, int width, ByteOrder order)
      throws IOException {
    float[] values = new float[count];
    byte[] bytes = new byte[BUFFER_BYTES];
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(order);
    for (int start = 0; start < count; start += BUFFER_BYTES / width) {
      int some = Math.min(count - start, BUFFER_BYTES / width);
      in.readFully(bytes, 0, width * some);
      if (width == 4) {
        buffer.asFloatBuffer().get(values, start, some);
      } else {
        for (int n = 0; n < some; n++) {
          values[start + n] = (float) buffer.getDouble(8 * n);
        }
      }
    }
    return values;
  }

  /**
   * Writes arrays, forced to the disk.
   *
   * @throws IOException the disk is full, for example; a part of the file may be left
   */
  public static void write(File path, Map<String, Tensor> arrays) throws IOException {
    write(path, arrays, Collections.<String, Packed>emptyMap());
  }

  /**
   * Writes arrays and packed ones, forced to the disk.
   *
   * @throws IOException the disk is full, for example; a part of the file may be left
   */
  static void write(File path, Map<String, Tensor> arrays, Map<String, Packed> small)
      throws IOException {
    FileOutputStream file = new FileOutputStream(path);
    try {
      ZipOutputStream zip = new ZipOutputStream(new BufferedOutputStream(file, BUFFER_BYTES));
      zip.setLevel(Deflater.NO_COMPRESSION);
      for (Map.Entry<String, Tensor> array : arrays.entrySet()) {
        zip.putNextEntry(new ZipEntry(array.getKey() + ARRAY));
        writeArray(zip, array.getValue());
        zip.closeEntry();
      }
      writeSmall(zip, small);
      zip.finish();
      zip.flush();
      file.getFD().sync();
    } finally {
      file.close();
    }
  }

  private static void writeSmall(ZipOutputStream zip, Map<String, Packed> small)
      throws IOException {
    if (small.isEmpty()) {
      return;
    }
    Map<String, Map<String, Object>> variables = new LinkedHashMap<String, Map<String, Object>>();
    for (Map.Entry<String, Packed> variable : small.entrySet()) {
      Packed packed = variable.getValue();
      // codes have no bits to spare
      boolean spares = packed.coding.equals(Packed.SHUFFLED);
      zip.setLevel(spares ? Deflater.BEST_SPEED : Deflater.NO_COMPRESSION);
      zip.putNextEntry(new ZipEntry(variable.getKey() + CODES));
      zip.write(packed.data);
      zip.closeEntry();
      Map<String, Object> how = new HashMap<String, Object>();
      how.put("coding", packed.coding);
      how.put("shape", packed.shape);
      variables.put(variable.getKey(), how);
    }
    JsonObject list = new JsonObject();
    list.addProperty("version", 1);
    list.add("variables", new Gson().toJsonTree(variables));
    zip.putNextEntry(new ZipEntry(LIST));
    zip.write(list.toString().getBytes(UTF_8));
    zip.closeEntry();
  }

  private static void writeArray(OutputStream out, Tensor array) throws IOException {
    StringBuilder shape = new StringBuilder();
    for (int n = 0; n < array.shape.length; n++) {
      shape.append(n > 0 ? " " : "").append(array.shape[n]).append(",");
    }
    StringBuilder header =
        new StringBuilder("{'descr': '<f4', 'fortran_order': False, 'shape': (")
            .append(shape)
            .append("), }");
    int before = MAGIC.length + 4;
    while ((before + header.length() + 1) % ALIGNMENT != 0) {
      header.append(' ');
    }
    header.append('\n');
    out.write(MAGIC);
    out.write(new byte[] {1, 0, (byte) header.length(), (byte) (header.length() >> 8)});
    out.write(header.toString().getBytes(LATIN));
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int done = 0; done < array.values.length; ) {
      int some = Math.min(array.values.length - done, BUFFER_BYTES / 4);
      buffer.asFloatBuffer().put(array.values, done, some);
      out.write(buffer.array(), 0, 4 * some);
      done += some;
    }
  }
}
