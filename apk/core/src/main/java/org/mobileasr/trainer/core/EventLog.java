package org.mobileasr.trainer.core;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Appends events, so that what was said stays said: each is one line written with one call, and
 * forced to the disk unless it is only a step (steps may be lost with the battery, not with the
 * process). Goes on after the last whole line of an existing log.
 */
public final class EventLog implements Closeable {
  private static final Charset UTF_8 = Charset.forName("UTF-8");

  private final RandomAccessFile file;
  private final Phone phone;
  private final List<Event> before;
  private int seq;

  /**
   * Opens {@code events.jsonl}, made if it is not there.
   *
   * @throws IOException it cannot be written
   */
  public EventLog(File path, Phone phone) throws IOException {
    this.phone = phone;
    List<Event> events = new ArrayList<Event>();
    long whole = path.exists() ? readWholeLines(path, events) : 0;
    before = Collections.unmodifiableList(events);
    seq = before.size();
    File folder = path.getParentFile();
    if (folder != null && !folder.isDirectory() && !folder.mkdirs()) {
      throw new IOException("cannot make the folder " + folder);
    }
    file = new RandomAccessFile(path, "rw");
    file.setLength(whole);
    file.seek(whole);
  }

  /** What an earlier process of the same job wrote; a torn or broken end is left out. */
  public List<Event> before() {
    return before;
  }

  /**
   * Appends one event.
   *
   * @throws IOException the disk is full, for example; the log is then as it was
   */
  public Event write(Event.Builder builder) throws IOException {
    Event event = builder.build(seq, phone.bootMs());
    long start = file.getFilePointer();
    try {
      file.write((event + "\n").getBytes(UTF_8));
      if (!Event.STEP.equals(event.type())) {
        file.getFD().sync();
      }
    } catch (IOException e) {
      // Take the torn line back, or the next event would continue it.
      file.setLength(start);
      file.seek(start);
      throw e;
    }
    seq++;
    return event;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  private static long readWholeLines(File path, List<Event> events) throws IOException {
    byte[] content = readAll(path);
    int whole = 0;
    int start = 0;
    for (int n = 0; n < content.length; n++) {
      if (content[n] != '\n') {
        continue;
      }
      try {
        Event event = Event.parse(new String(content, start, n - start, UTF_8));
        if (event.seq() != events.size()) {
          break;
        }
        events.add(event);
      } catch (BadInputException e) {
        break;
      }
      start = n + 1;
      whole = start;
    }
    return whole;
  }

  private static byte[] readAll(File path) throws IOException {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    InputStream in = new FileInputStream(path);
    try {
      byte[] buffer = new byte[1 << 16];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        content.write(buffer, 0, n);
      }
    } finally {
      in.close();
    }
    return content.toByteArray();
  }
}
