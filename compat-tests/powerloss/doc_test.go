// Package powerloss cuts the power of a broker at work: its data lies on powerfs (see fs/), which forgets what was not synced.
// The broker is killed, the file system drops 0, 25, 50 or 100 % of what nothing promised to keep, and the broker starts on
// what is left. Package crash/ledger judges: of topics of policy group and batch nothing acknowledged is lost, nor any
// commit, nor any topic; topics of policy os and interval lose ends of logs at most.
//
// Run by "make powerloss" (20 rounds); with the other lanes, 3 rounds and the proof that a program that forgets to sync is
// caught. It needs root and /dev/fuse; SORDINI_NO_MOUNT=1 does without.
package powerloss
