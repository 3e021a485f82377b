package org.mobileasr.trainer;

/** Ballast in the process {@code :ballast8}. */
public final class BallastService8 extends BallastService {}
