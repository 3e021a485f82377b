package org.mobileasr.trainer.core;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.List;

/** A parsed job written out again, every field, as the Python reference writes it. */
final class JobText {
  private static final Gson GSON = new GsonBuilder().serializeNulls().create();

  private JobText() {}

  static JsonObject of(Job job) {
    JsonObject text = new JsonObject();
    text.addProperty("version", job.version);
    text.addProperty("job_id", job.jobId);
    text.addProperty("attempt", job.attempt);
    text.addProperty("round", job.round);
    text.addProperty("keep", job.keep);
    text.add("model", model(job.model));
    JsonObject data = new JsonObject();
    data.addProperty("speaker", job.data.speaker);
    data.add("train", utterances(job.data.train));
    data.add("validation", utterances(job.data.validation));
    text.add("data", data);
    text.add("training", training(job.training));
    text.add("selection", selection(job.selection));
    JsonObject stop = new JsonObject();
    stop.addProperty("policy", job.stop.policy);
    stop.addProperty("patience", job.stop.patience);
    stop.addProperty("battery_below_percent", job.stop.batteryBelowPercent);
    stop.addProperty("available_below_mb", job.stop.availableBelowMb);
    text.add("stop", stop);
    JsonObject outputs = new JsonObject();
    outputs.addProperty("folder", job.outputs.folder);
    outputs.addProperty("events", job.outputs.events);
    outputs.addProperty("checkpoints", job.outputs.checkpoints);
    outputs.addProperty("stop_file", job.outputs.stopFile);
    text.add("outputs", outputs);
    if (!job.alsoEvaluate.isEmpty()) {
      text.add("also_evaluate", others(job.alsoEvaluate));
    }
    if (job.share != null) {
      text.add("share", share(job.share));
    }
    if (!job.trains()) {
      text.addProperty("mode", job.mode);
    }
    if (job.exits != null) {
      text.add("exits", exits(job.exits));
    }
    if (job.stored != null) {
      text.add("stored", wire(job.stored));
    }
    if (job.streaming != null) {
      JsonObject streaming = new JsonObject();
      streaming.addProperty("beam", job.streaming.beam);
      text.add("streaming", streaming);
    }
    if (job.ordered) {
      text.addProperty("ordered", true);
    }
    return text;
  }

  private static JsonObject exits(ExitRule rule) {
    JsonObject text = new JsonObject();
    text.addProperty("rule", rule.rule);
    text.addProperty("exit", rule.exit);
    text.addProperty("threshold", rule.threshold);
    text.addProperty("entropy", rule.entropy);
    text.addProperty("frames", rule.frames);
    text.addProperty("n_best", rule.nBest);
    text.addProperty("beam", rule.beam);
    text.addProperty("answers", rule.answers);
    if (rule.decoder.equals(ExitRule.ATTENTION)) {
      text.addProperty("decoder", rule.decoder);
    }
    return text;
  }

  private static JsonObject share(Share share) {
    JsonObject text = new JsonObject();
    text.addProperty("form", share.form);
    text.addProperty("steps", share.steps);
    text.addProperty("proximal", share.proximal);
    text.addProperty("hypotheses", share.hypotheses);
    if (share.wire != null) {
      text.add("wire", wire(share.wire));
    }
    return text;
  }

  private static JsonObject wire(Wire wire) {
    JsonObject text = new JsonObject();
    text.addProperty("format", wire.format);
    text.addProperty("kind", wire.kind);
    text.addProperty("exponent", wire.fitted ? "fitted" : "conventional");
    text.addProperty("rounding", wire.rounding);
    text.addProperty("subnormals", wire.subnormals);
    text.addProperty("transform", wire.transform);
    text.addProperty("per", wire.per);
    text.addProperty("variables", wire.all ? "all" : "weights");
    text.addProperty("share", wire.share);
    text.addProperty("draw", wire.draw);
    return text;
  }

  private static JsonObject model(Job.Model model) {
    JsonObject text = new JsonObject();
    text.addProperty("name", model.name);
    text.addProperty("path", model.path);
    text.addProperty("sha256", model.sha256);
    text.addProperty("checkpoint", model.checkpoint);
    text.addProperty("checkpoint_sha256", model.checkpointSha256);
    return text;
  }

  private static JsonArray others(List<Job.OtherSpeaker> others) {
    JsonArray text = new JsonArray();
    for (Job.OtherSpeaker other : others) {
      JsonObject one = new JsonObject();
      one.addProperty("speaker", other.speaker);
      one.add("validation", utterances(other.validation));
      text.add(one);
    }
    return text;
  }

  private static JsonArray utterances(List<Job.Utterance> utterances) {
    JsonArray text = new JsonArray();
    for (Job.Utterance utterance : utterances) {
      JsonObject one = new JsonObject();
      one.addProperty("id", utterance.id);
      one.addProperty("path", utterance.path);
      one.addProperty("text", utterance.text);
      text.add(one);
    }
    return text;
  }

  private static JsonObject training(Job.Training training) {
    JsonObject text = new JsonObject();
    text.addProperty("optimizer", "adam");
    text.addProperty("batch_size", training.batchSize);
    text.addProperty("learning_rate", training.learningRate);
    text.addProperty("epochs", training.epochs);
    text.addProperty("seed", training.seed);
    text.addProperty("threads", training.threads);
    return text;
  }

  private static JsonObject selection(Job.Selection selection) {
    JsonObject text = new JsonObject();
    text.addProperty("policy", selection.policy);
    text.add("candidates", GSON.toJsonTree(selection.candidates));
    text.add("need_mb", GSON.toJsonTree(selection.needMb));
    text.add(
        "forced", selection.forced == null ? null : new JsonPrimitive(selection.forced));
    return text;
  }
}
