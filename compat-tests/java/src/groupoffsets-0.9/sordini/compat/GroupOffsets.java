package sordini.compat;

/** Until 0.10.2 nothing sends offsets to transactions. */
final class GroupOffsets {}
