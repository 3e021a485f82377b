package org.mobileasr.trainer.jvm;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.mobileasr.trainer.core.Phone;

/** A phone that is a Linux host or a virtual phone: {@code /proc} and {@code dumpsys}. */
final class LinuxPhone implements Phone {
  private static final Pattern BATTERY = Pattern.compile("^\\s+(level|scale): (\\d{1,9})\\s*$");
  private static final Pattern PRESENT = Pattern.compile("^\\s+present: (true|false)\\s*$");
  private static final double KIB_A_MIB = 1024.0;
  private static final long BATTERY_TIMEOUT_S = 10;

  private final File proc;

  /**
   * @param proc where {@code meminfo} and {@code uptime} lie
   */
  LinuxPhone(File proc) {
    this.proc = proc;
  }

  @Override
  public long bootMs() {
    String text = read(new File("/proc/uptime"));
    if (text == null) {
      throw new IllegalStateException("no /proc/uptime");
    }
    return (long) (Double.parseDouble(text.trim().split(" ")[0]) * 1000);
  }

  @Override
  public Double availableMb() {
    return mb(new File(proc, "meminfo"), "MemAvailable");
  }

  @Override
  public Double rssMb() {
    return mb(new File("/proc/self/status"), "VmRSS");
  }

  @Override
  public Double peakRssMb() {
    return mb(new File("/proc/self/status"), "VmHWM");
  }

  @Override
  public int pid() {
    return Math.toIntExact(ProcessId.own());
  }

  @Override
  public Double batteryPercent() {
    Integer level = null;
    Boolean present = null;
    int scale = 100;
    try {
      Process process =
          new ProcessBuilder("dumpsys", "battery")
              .redirectInput(new File("/dev/null"))
              .redirectErrorStream(true)
              .start();
      BufferedReader reader =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      try {
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
          Matcher there = PRESENT.matcher(line);
          if (there.matches() && present == null) {
            present = Boolean.valueOf(there.group(1));
          }
          Matcher matcher = BATTERY.matcher(line);
          if (!matcher.matches()) {
            continue;
          }
          if ("scale".equals(matcher.group(1))) {
            scale = Integer.parseInt(matcher.group(2));
          } else if (level == null) {
            level = Integer.parseInt(matcher.group(2));
          }
        }
      } finally {
        reader.close();
      }
      if (!process.waitFor(BATTERY_TIMEOUT_S, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return null;
      }
    } catch (IOException e) {
      return null; // no dumpsys here
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    }
    if (level == null || Boolean.FALSE.equals(present)) {
      return null;
    }
    double percent = 100.0 * level / Math.max(1, scale);
    return percent <= 100.0 ? percent : null;
  }

  private static Double mb(File file, String field) {
    String text = read(file);
    if (text == null) {
      return null;
    }
    Matcher matcher =
        Pattern.compile("^" + field + ":\\s+(\\d+) kB", Pattern.MULTILINE).matcher(text);
    return matcher.find() ? Long.parseLong(matcher.group(1)) / KIB_A_MIB : null;
  }

  private static String read(File file) {
    try {
      return new String(Files.readAllBytes(file.toPath()), StandardCharsets.US_ASCII);
    } catch (IOException e) {
      return null;
    }
  }
}
