package org.mobileasr.trainer.core;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The trainable flatbuffer as a learner. */
public final class FlatbufferLearner implements Learner {
  /** Opens a flatbuffer in a runtime. */
  public interface Runtime {
    /**
     * @param threads to compute with
     * @throws BadInputException not a flatbuffer
     */
    Signatures open(File model, int threads) throws BadInputException;

    /** Loads the runtime's library; returns its name and version. */
    String load();
  }

  /** Asked before each step, besides the job's stop file. */
  public interface StopRequest {
    boolean asked();
  }

  private final Job job;
  private final Runtime runtime;
  private final StopRequest stopRequest;
  private final Checkpoints checkpoints;
  private String subModel;
  private FlatbufferModel model;
  private List<float[][]> train;
  private List<float[][]> validation;

  public FlatbufferLearner(Job job, Runtime runtime, StopRequest stopRequest) {
    this.job = job;
    this.runtime = runtime;
    this.stopRequest = stopRequest;
    checkpoints = new Checkpoints(new File(job.outputs.checkpoints));
  }

  @Override
  public String runtime() {
    return runtime.load();
  }

  @Override
  public void load(String subModel, File start, String sha256) throws BadInputException {
    File file = new File(job.model.path);
    Checkpoints.check(file, job.model.sha256);
    this.subModel = subModel;
    model = new FlatbufferModel(runtime.open(file, job.training.threads), job.model.path);
    job.checkNetwork(model.info().network, job.model.path);
    if (job.training.batchSize > model.info().batchSize) {
      throw new BadInputException(
          job.model.path,
          "batch size " + job.training.batchSize + " is asked for, the model takes "
              + model.info().batchSize);
    }
    if (start != null) {
      if (sha256 != null) {
        Checkpoints.check(start, sha256);
      }
      model.loadCheckpoint(start);
    }
    // clients that round by the same lots would err together
    model.seedRounding(Lots.seed(job.jobId + ":" + job.training.seed));
  }

  @Override
  public void features() throws BadInputException, StopCommandException {
    if (job.trains()) {
      train = features(job.data.train);
    }
    validation = features(job.data.validation);
  }

  private List<float[][]> features(List<Job.Utterance> utterances)
      throws BadInputException, StopCommandException {
    List<float[][]> found = new ArrayList<float[][]>();
    for (Job.Utterance utterance : utterances) {
      checkStop();
      File path = new File(utterance.path);
      found.add(model.features(Wav.read(path, model.info().sampleRate)));
    }
    return found;
  }

  @Override
  public void train(int epoch, Steps steps)
      throws BadInputException, TrainingException, StopCommandException, IOException {
    int[] lengths = new int[train.size()];
    for (int row = 0; row < lengths.length; row++) {
      lengths[row] = train.get(row).length;
    }
    for (List<Integer> rows :
        EpochBatches.of(job.training.seed, epoch, lengths, job.training.batchSize)) {
      checkStop();
      List<float[][]> sounds = new ArrayList<float[][]>();
      List<String> texts = new ArrayList<String>();
      for (int row : rows) {
        sounds.add(train.get(row));
        texts.add(job.data.train.get(row).text);
      }
      Batch batch = Batch.of(sounds, texts, model.info());
      long began = System.nanoTime();
      double loss = model.trainStep(subModel, batch, job.training.learningRate);
      pullBack();
      double seconds = (System.nanoTime() - began) / 1e9;
      if (!steps.taken(loss, seconds, sounds.size(), model.changedCodes())) {
        return;
      }
    }
  }

  /** Takes FedProx's step, if the job asks for one. */
  private void pullBack() throws BadInputException {
    if (job.share == null || !(job.share.proximal > 0)) {
      return;
    }
    double amount = job.training.learningRate * job.share.proximal;
    Map<String, Tensor> start = Npz.read(new File(job.model.checkpoint));
    Map<String, Tensor> weights = model.weights();
    for (String name : model.weightNames(trainedLayers())) {
      weights.put(name, Share.pulledBack(weights.get(name), start.get(name), amount));
    }
    model.setWeights(weights);
  }

  @Override
  public List<String> evaluate() throws BadInputException, StopCommandException {
    List<String> heard = new ArrayList<String>();
    for (List<float[][]> features : batches()) {
      checkStop();
      heard.addAll(heard(features));
    }
    return heard;
  }

  @Override
  public List<Left> evaluateExits() throws BadInputException, StopCommandException {
    List<Left> left = new ArrayList<Left>();
    for (List<float[][]> features : batches()) {
      checkStop();
      left.addAll(left(features));
    }
    return left;
  }

  @Override
  public List<Streamed> evaluateStreaming() throws BadInputException, StopCommandException {
    ModelInfo info = model.info();
    StreamingModel streaming = model.streaming();
    List<Streamed> heard = new ArrayList<Streamed>();
    for (Job.Utterance utterance : job.data.validation) {
      checkStop();
      short[] pcm = Wav.read(new File(utterance.path), info.sampleRate);
      Recogniser recogniser =
          new Recogniser(streaming, info.targets, job.streaming.beam);
      heard.add(Streamed.hear(recogniser, pcm, info.sampleRate, System::nanoTime));
    }
    return heard;
  }

  private List<List<float[][]>> batches() {
    List<List<float[][]>> batches = new ArrayList<List<float[][]>>();
    int size = model.info().batchSize;
    for (int start = 0; start < validation.size(); start += size) {
      batches.add(validation.subList(start, Math.min(start + size, validation.size())));
    }
    return batches;
  }

  /** No more than a batch of features is in memory. */
  @Override
  public List<String> listen(List<Job.Utterance> utterances)
      throws BadInputException, StopCommandException {
    List<String> heard = new ArrayList<String>();
    int size = model.info().batchSize;
    for (int start = 0; start < utterances.size(); start += size) {
      int end = Math.min(start + size, utterances.size());
      heard.addAll(heard(features(utterances.subList(start, end))));
    }
    return heard;
  }

  private List<String> heard(List<float[][]> features) throws BadInputException {
    ModelInfo info = model.info();
    List<String> heard = new ArrayList<String>();
    if (job.exits != null) {
      for (Left left : left(features)) {
        heard.add(left.text);
      }
      return heard;
    }
    for (float[][] logits : model.infer(silent(features))) {
      heard.add(GreedyDecoder.decode(logits, info.targets));
    }
    return heard;
  }

  private List<Left> left(List<float[][]> features) throws BadInputException {
    ModelInfo info = model.info();
    List<String> exits = new ArrayList<String>(info.network.exits.keySet());
    Listening listening = new Listening(job.exits, exits, info.targets);
    boolean writes = ExitRule.ATTENTION.equals(job.exits.decoder);
    return listening.heard(model.segments(silent(features), writes));
  }

  /** A batch to listen to. */
  private Batch silent(List<float[][]> features) throws BadInputException {
    return Batch.of(features, Collections.nCopies(features.size(), ""), model.info());
  }

  @Override
  public void restore(int epoch) throws BadInputException {
    model.loadCheckpoint(checkpoints.path(epoch));
  }

  @Override
  public Shared save(int epoch) throws BadInputException, IOException {
    Map<String, Tensor> weights = model.weights();
    Packing packing = new Packing(job.stored, weights, "stored:" + epoch);
    for (Map.Entry<String, Tensor> weight : weights.entrySet()) {
      try {
        packing.add(weight.getKey(), weight.getValue(), null);
      } catch (CodecException e) {
        throw new BadInputException(weight.getKey(), e.getMessage());
      }
    }
    File path = checkpoints.write(checkpoints.path(epoch), packing.arrays, packing.small);
    return new Shared(path, packing.told(false));
  }

  @Override
  public File checkpoint(int epoch) {
    return checkpoints.path(epoch);
  }

  @Override
  public List<String> trainedLayers() throws BadInputException {
    return subModel == null
        ? Collections.<String>emptyList()
        : model.info().network.subModel(subModel).layers;
  }

  @Override
  public Shared share(int kept) throws BadInputException, IOException {
    File start = job.model.checkpoint == null ? null : new File(job.model.checkpoint);
    List<String> names = model.weightNames(trainedLayers());
    Packing packing = Update.of(job.share, names, checkpoints.path(kept), start);
    File path = checkpoints.write(checkpoints.file(Share.FILE), packing.arrays, packing.small);
    return new Shared(path, packing.told(Update.reads(job.share, start)));
  }

  @Override
  public void keepOnly(Set<Integer> epochs) throws IOException {
    checkpoints.prune(epochs);
  }

  @Override
  public void close() throws IOException {
    if (model != null) {
      model.close();
    }
  }

  private void checkStop() throws StopCommandException {
    if (stopRequest.asked() || new File(job.outputs.stopFile).exists()) {
      throw new StopCommandException();
    }
  }
}
