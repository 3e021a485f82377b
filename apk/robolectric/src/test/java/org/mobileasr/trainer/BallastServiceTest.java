package org.mobileasr.trainer;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.app.Service;
import android.content.Intent;
import android.os.Process;
import java.util.List;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.android.controller.ServiceController;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.Implementation;
import org.robolectric.annotation.Implements;
import org.robolectric.shadows.ShadowLog;

/** Memory held by the megabyte. */
@RunWith(RobolectricTestRunner.class)
@Config(shadows = BallastServiceTest.Killed.class)
public class BallastServiceTest {
  private final ServiceController<BallastService3> controller =
      Robolectric.buildService(BallastService3.class).create();

  /** A process that cannot really be killed here. */
  @Implements(Process.class)
  public static class Killed {
    static int pid;

    @Implementation
    protected static void killProcess(int pid) {
      Killed.pid = pid;
    }

    @Implementation
    protected static int myPid() {
      return 4711;
    }
  }

  @Test
  public void itGrowsShrinksAndReports() {
    assertEquals(Service.START_NOT_STICKY, ask(3));
    assertEquals("BallastService3 holds 3 MiB", said());
    ask(5);
    assertEquals("BallastService3 holds 5 MiB", said());
    ask(5);
    assertEquals("BallastService3 holds 5 MiB", said());
    ask(2);
    assertEquals("BallastService3 holds 2 MiB", said());
    assertFalse(shadowOf(controller.get()).isStoppedBySelf());
  }

  @Test
  public void nothingToHoldEndsItAndItsProcess() {
    ask(2);
    ask(0);
    assertEquals("BallastService3 holds 0 MiB", said());
    assertTrue(shadowOf(controller.get()).isStoppedBySelf());
    Killed.pid = 0;
    controller.destroy();
    assertEquals(4711, Killed.pid);
  }

  @Test
  public void anOrderThatMakesNoSenseHoldsNothing() {
    for (Intent order : new Intent[] {null, new Intent(), new Intent().putExtra("mb", -7)}) {
      controller.get().onStartCommand(order, 0, 1);
      assertEquals("BallastService3 holds 0 MiB", said());
    }
    assertTrue(shadowOf(controller.get()).isStoppedBySelf());
  }

  @Test
  public void whatItHoldsCannotBePacked() throws Exception {
    ask(2);
    java.util.zip.Deflater packer = new java.util.zip.Deflater();
    byte[] page = new byte[4096];
    int packed = 0;
    for (android.os.MemoryFile block : controller.get().blocks) {
      for (int at = 0; at < 1 << 20; at += page.length) {
        assertEquals(page.length, block.readBytes(page, at, 0, page.length));
        packer.reset();
        packer.setInput(page);
        packer.finish();
        packed += packer.deflate(new byte[2 * page.length]);
      }
    }
    assertTrue("packs to " + packed, packed > 2 << 20);
  }

  private int ask(int mb) {
    return controller.get().onStartCommand(new Intent().putExtra("mb", mb), 0, 1);
  }

  private static String said() {
    List<ShadowLog.LogItem> lines = ShadowLog.getLogsForTag("MobileASR");
    return lines.get(lines.size() - 1).msg;
  }
}
