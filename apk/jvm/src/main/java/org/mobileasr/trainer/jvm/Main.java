package org.mobileasr.trainer.jvm;

import java.io.File;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.tensorflowlite.global.tensorflowlite;
import org.mobileasr.trainer.core.BadInputException;
import org.mobileasr.trainer.core.Signatures;
import org.mobileasr.trainer.core.TrainerMain;
import org.mobileasr.trainer.core.FlatbufferLearner;

/** {@code java -jar ... --job FILE}: trains one job, like {@code python -m harness.trainer}. */
public final class Main {
  private static final String NAME = "java-jvm";
  private static final String VERSION = "0.1.0";
  private static final String PROC_VARIABLE = "MOBILEASR_PROC_DIR";

  private Main() {}

  /** Trains the job named on the command line. */
  public static void main(String[] arguments) {
    if (arguments.length != 2 || !"--job".equals(arguments[0])) {
      System.err.println("usage: --job FILE");
      System.exit(TrainerMain.BAD_JOB);
    }
    System.exit(train(new File(arguments[1])));
  }

  private static int train(File job) {
    String proc = System.getenv(PROC_VARIABLE);
    final AtomicBoolean asked = new AtomicBoolean();
    TrainerMain trainer =
        new TrainerMain(
            new LinuxPhone(new File(proc == null ? "/proc" : proc)),
            new TensorFlowLite(),
            new FlatbufferLearner.StopRequest() {
              @Override
              public boolean asked() {
                return asked.get();
              }
            },
            NAME,
            VERSION);
    // SIGTERM starts the hooks; the trainer then ends at its next step, which this one waits for.
    final Thread training = Thread.currentThread();
    Thread hook =
        new Thread() {
          @Override
          public void run() {
            asked.set(true);
            try {
              training.join();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }
        };
    Runtime.getRuntime().addShutdownHook(hook);
    int code;
    try {
      code = trainer.run(job);
    } catch (IOException e) {
      System.err.println(e.getMessage());
      code = TrainerMain.BAD_JOB;
    }
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      Runtime.getRuntime().halt(code); // going down already: exit() would wait for the hook
    }
    return code;
  }

  /** TensorFlow Lite as the runtime. */
  private static final class TensorFlowLite implements FlatbufferLearner.Runtime {
    @Override
    public String load() {
      Loader.load(tensorflowlite.class);
      return BytedecoSignatures.version();
    }

    @Override
    public Signatures open(File model, int threads) throws BadInputException {
      return new BytedecoSignatures(model, threads);
    }
  }
}
