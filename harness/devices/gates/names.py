"""What the trainer is called on a phone."""

TRAINER_PACKAGE = "org.mobileasr.trainer"
