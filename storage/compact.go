package storage

// cleanedSuffix marks the new form of a segment while compaction writes it.
const cleanedSuffix = ".cleaned"
