package org.mobileasr.trainer;

/** Ballast in the process {@code :ballast5}. */
public final class BallastService5 extends BallastService {}
