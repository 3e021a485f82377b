package org.mobileasr.trainer;

/** Ballast in the process {@code :ballast2}. */
public final class BallastService2 extends BallastService {}
