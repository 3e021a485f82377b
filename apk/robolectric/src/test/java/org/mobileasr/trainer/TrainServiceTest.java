package org.mobileasr.trainer;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.app.Notification;
import android.app.Service;
import android.content.Context;
import android.content.Intent;
import android.content.pm.ServiceInfo;
import android.os.PowerManager;
import java.io.File;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.runner.RunWith;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.tensorflowlite.global.tensorflowlite;
import org.mobileasr.trainer.core.BadInputException;
import org.mobileasr.trainer.core.Signatures;
import org.mobileasr.trainer.core.FlatbufferLearner;
import org.mobileasr.trainer.jvm.BytedecoSignatures;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ServiceController;
import org.robolectric.shadows.ShadowPowerManager;

/** The service around the training: what Android sees of it. */
@RunWith(RobolectricTestRunner.class)
public class TrainServiceTest {
  private static final long PATIENCE_S = 20;

  @Rule public TemporaryFolder folder = new TemporaryFolder();

  private ServiceController<Stub> controller;

  /** Trains on this host's runtime, once it is let go on. */
  public static class Stub extends TrainService {
    final CountDownLatch loading = new CountDownLatch(1);
    final CountDownLatch goOn = new CountDownLatch(1);
    final CountDownLatch loaded = new CountDownLatch(1);

    @Override
    FlatbufferLearner.Runtime runtime() {
      return new FlatbufferLearner.Runtime() {
        @Override
        public String load() {
          loading.countDown();
          try {
            assertTrue(goOn.await(PATIENCE_S, TimeUnit.SECONDS));
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
          Loader.load(tensorflowlite.class);
          return "this host's";
        }

        @Override
        public Signatures open(File model, int threads) throws BadInputException {
          Signatures found = new BytedecoSignatures(model, threads);
          loaded.countDown();
          return found;
        }
      };
    }
  }

  @Before
  public void create() {
    controller = Robolectric.buildService(Stub.class).create();
  }

  @After
  public void letGo() {
    controller.get().goOn.countDown();
  }

  @Test
  public void itTrainsInTheForegroundAndHoldsTheProcessorAwake() throws Exception {
    int again = start(controller, job(), 1);
    Stub service = controller.get();
    await(service.loading);

    // once its process is killed, Android starts it again with the same order
    assertEquals(Service.START_REDELIVER_INTENT, again);
    Notification shown = shadowOf(service).getLastForegroundNotification();
    assertNotNull(shown);
    assertTrue((shown.flags & Notification.FLAG_ONGOING_EVENT) != 0);
    assertFalse(shadowOf(service).isForegroundStopped());
    // of all types the one without a limit of six hours
    assertEquals(
        ServiceInfo.FOREGROUND_SERVICE_TYPE_SPECIAL_USE, service.getForegroundServiceType());
    PowerManager.WakeLock lock = ShadowPowerManager.getLatestWakeLock();
    assertTrue(lock.isHeld());
    assertEquals("mobileasr:training", shadowOf(lock).getTag());
    assertFalse(shadowOf(service).isStoppedBySelf());

    service.goOn.countDown();
    awaitEnd(service);
    assertFalse(lock.isHeld());
    List<String> log = log();
    assertTrue(log.get(0), log.get(0).contains("\"type\":\"started\""));
    assertTrue(log.get(0), log.get(0).contains("\"trainer\":\"java-android"));
    assertTrue(last(log), last(log).contains("\"type\":\"finished\""));
    assertTrue(last(log), last(log).contains("\"epochs\":2,"));
  }

  @Test
  public void aStopCommandEndsTheTrainingAndTheService() throws Exception {
    start(controller, job(10000), 1);
    Stub service = controller.get();
    service.goOn.countDown();
    await(service.loaded);
    while (!String.join("", log()).contains("\"epoch\":1,")) {
      assertFalse(String.join("\n", log()), shadowOf(service).isStoppedBySelf());
      Thread.sleep(10);
    }
    assertEquals(
        Service.START_NOT_STICKY,
        start(controller, new Intent().putExtra("command", "stop"), 2));
    awaitEnd(service);
    // by the id of the order to stop: Android ignores an older one, and the service would stay
    assertEquals(2, shadowOf(service).getStopSelfId());
    List<String> log = log();
    assertTrue(log.get(log.size() - 2), log.get(log.size() - 2).contains("\"reason\":\"command\""));
    assertTrue(last(log), last(log).contains("\"type\":\"finished\""));
  }

  @Test
  public void aSecondJobIsRefusedWhileOneTrains() throws Exception {
    Intent first = job();
    start(controller, first, 1);
    await(controller.get().loading);
    Intent second = new Intent().putExtra("job", new File(folder.getRoot(), "2.json").getPath());
    start(controller, second, 2);
    controller.get().goOn.countDown();
    awaitEnd(controller.get());
    assertTrue(last(log()), last(log()).contains("\"type\":\"finished\""));
    assertEquals(2, shadowOf(controller.get()).getStopSelfId());
  }

  @Test
  public void anOrderWithoutWorkEndsAtOnce() {
    start(controller, new Intent().putExtra("command", "stop"), 1);
    assertTrue(shadowOf(controller.get()).isStoppedBySelf());
    ServiceController<Stub> other = Robolectric.buildService(Stub.class).create();
    start(other, new Intent(), 1);
    assertTrue(shadowOf(other.get()).isStoppedBySelf());
    assertNull(ShadowPowerManager.getLatestWakeLock());
  }

  @Test
  public void aKilledJobGoesOnInTheSameLog() throws Exception {
    start(controller, job(), 1);
    await(controller.get().loading);
    // the process is gone in the middle of a line; Android makes a new service and tells it again
    File events = new File(folder.getRoot(), "out/events.jsonl");
    assertTrue(events.getParentFile().isDirectory() || events.getParentFile().mkdirs());
    String whole = "{\"seq\":0,\"t_boot_ms\":5,\"type\":\"phase\",\"phase\":\"load\",\"state\":\"begin\"}\n";
    Files.write(events.toPath(), (whole + "{\"seq\":1,\"t_b").getBytes(StandardCharsets.UTF_8));

    ServiceController<Stub> again = Robolectric.buildService(Stub.class).create();
    Intent order = job();
    again.get().goOn.countDown();
    again.get().onStartCommand(order, Service.START_FLAG_REDELIVERY, 2);
    awaitEnd(again.get());
    List<String> log = log();
    assertEquals(whole.trim(), log.get(0));
    for (int number = 0; number < log.size(); number++) {
      assertTrue(log.get(number), log.get(number).startsWith("{\"seq\":" + number + ","));
    }
    assertTrue(last(log), last(log).contains("\"type\":\"finished\""));
  }

  @Test
  public void itShowsWhereItMayWrite() throws Exception {
    File asked = folder.newFile("probe");
    Files.write(asked.toPath(), "token".getBytes(StandardCharsets.UTF_8));
    start(controller, storage(asked), 1);
    Context context = RuntimeEnvironment.getApplication();
    assertEquals("token", text(new File(asked.getPath() + ".shared")));
    assertEquals("token", text(new File(context.getFilesDir(), "storage-probe")));
    assertEquals("token", text(new File(context.getExternalFilesDir(null), "storage-probe")));
    assertTrue(shadowOf(controller.get()).isStoppedBySelf());
  }

  @Test
  public void aPlaceWhereItMayNotWriteKeepsItFromNoOther() throws Exception {
    File asked = folder.newFile("probe");
    Files.write(asked.toPath(), "token".getBytes(StandardCharsets.UTF_8));
    assertTrue(new File(asked.getPath() + ".shared").mkdir());
    start(controller, storage(asked), 1);
    assertEquals(
        "token",
        text(new File(RuntimeEnvironment.getApplication().getFilesDir(), "storage-probe")));
  }

  private static Intent storage(File asked) {
    return new Intent().putExtra("command", "storage").putExtra("job", asked.getPath());
  }

  private static int start(ServiceController<Stub> controller, Intent intent, int startId) {
    return controller.get().onStartCommand(intent, 0, startId);
  }

  private Intent job() throws Exception {
    return job(2);
  }

  private Intent job(int epochs) throws Exception {
    File model = new File(System.getProperty("models.folder"), "ds2-tiny/ds2-tiny-b2.tflite");
    File out = new File(folder.getRoot(), "out");
    String utterances =
        "[{\"id\":\"u\",\"path\":\"" + recording() + "\",\"text\":\"a dog\"}]";
    String text =
        "{\"version\":1,\"job_id\":\"j1\",\"attempt\":1,\"round\":1,"
            + ("\"model\":{\"name\":\"m\",\"path\":\"" + model + "\",")
            + ("\"sha256\":\"" + sha256(model) + "\"},")
            + ("\"data\":{\"speaker\":\"s\",\"train\":" + utterances + ",")
            + ("\"validation\":" + utterances + "},")
            + "\"training\":{\"batch_size\":2,\"learning_rate\":0.001,\"threads\":1,"
            + ("\"epochs\":" + epochs + "},")
            + "\"selection\":{\"candidates\":[\"S1\"],\"need_mb\":{\"S1\":1},\"forced\":\"S1\"},"
            + "\"stop\":{\"patience\":1000000,\"battery_below_percent\":0,\"available_below_mb\":0},"
            + ("\"outputs\":{\"folder\":\"" + out + "\",\"events\":\"" + out + "/events.jsonl\",")
            + ("\"checkpoints\":\"" + out + "/checkpoints\",")
            + ("\"stop_file\":\"" + out + "/stop\"}}");
    File path = new File(folder.getRoot(), "job.json");
    Files.write(path.toPath(), text.getBytes(StandardCharsets.UTF_8));
    return new Intent().putExtra("job", path.getPath());
  }

  /** Half a second of noise, as a WAV file. */
  private File recording() throws IOException {
    int samples = 8000;
    ByteBuffer wav = ByteBuffer.allocate(44 + 2 * samples).order(ByteOrder.LITTLE_ENDIAN);
    wav.put("RIFF".getBytes(StandardCharsets.US_ASCII)).putInt(36 + 2 * samples);
    wav.put("WAVEfmt ".getBytes(StandardCharsets.US_ASCII)).putInt(16);
    wav.putShort((short) 1).putShort((short) 1).putInt(16000).putInt(32000);
    wav.putShort((short) 2).putShort((short) 16);
    wav.put("data".getBytes(StandardCharsets.US_ASCII)).putInt(2 * samples);
    Random random = new Random(1);
    while (wav.hasRemaining()) {
      wav.putShort((short) (random.nextInt(8000) - 4000));
    }
    File file = new File(folder.getRoot(), "u.wav");
    Files.write(file.toPath(), wav.array());
    return file;
  }

  private static String sha256(File file) throws Exception {
    byte[] hash =
        MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file.toPath()));
    return String.format("%064x", new BigInteger(1, hash));
  }

  private List<String> log() throws IOException {
    File events = new File(folder.getRoot(), "out/events.jsonl");
    return events.isFile() ? Files.readAllLines(events.toPath()) : Collections.emptyList();
  }

  private static String last(List<String> lines) {
    return lines.get(lines.size() - 1);
  }

  private static String text(File file) throws IOException {
    return new String(Files.readAllBytes(file.toPath()), StandardCharsets.UTF_8);
  }

  private static void await(CountDownLatch latch) throws InterruptedException {
    assertTrue(latch.await(PATIENCE_S, TimeUnit.SECONDS));
  }

  private static void awaitEnd(Service service) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_S);
    while (!shadowOf(service).isStoppedBySelf()) {
      assertTrue("the service stays", System.nanoTime() < end);
      Thread.sleep(10);
    }
  }
}
